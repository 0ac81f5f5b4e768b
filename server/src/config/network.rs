//! Who may connect from where: origins, and proxies that speak for others.

use axum::http::HeaderValue;
use ipnet::IpNet;

use super::{ConfigError, wrong};

/// An exact origin.
pub(super) fn origin(text: &str) -> Result<HeaderValue, ConfigError> {
    let error = || {
        wrong(
            "SPHERE_ALLOWED_ORIGINS",
            format!(
                "has {text:?}: an origin is scheme, host and port, such as https://chat.example"
            ),
        )
    };
    let (scheme, host) = text.split_once("://").ok_or_else(error)?;
    let plain = matches!(scheme, "http" | "https")
        && !host.is_empty()
        && !host.contains(['/', '*', '?', '#', '@', ' ']);
    if !plain {
        return Err(error());
    }
    HeaderValue::from_str(text).map_err(|_| error())
}

/// An address, or a network.
pub(super) fn network(text: &str) -> Result<IpNet, ConfigError> {
    let address = || text.parse::<std::net::IpAddr>().map(IpNet::from);
    text.parse::<IpNet>().or_else(|_| address()).map_err(|_| {
        wrong(
            "SPHERE_TRUSTED_PROXIES",
            format!("has {text:?}: give addresses or networks such as 10.0.0.0/8"),
        )
    })
}
