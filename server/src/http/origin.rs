//! Which pages may open a socket: our own, and those of the configured origins. Checked before the upgrade, because a
//! browser lets any page of the web try, with the reader's cookies.

use axum::http::{
    HeaderMap, HeaderValue, StatusCode, Uri,
    header::{HOST, ORIGIN},
    uri::Authority,
};
use sphere_protocol::Code;

use super::problem::Problem;

/// Whether the request's origin may connect. Programs other than browsers send none; they have no cookies to abuse.
///
/// # Errors
/// 403.
pub fn check(headers: &HeaderMap, allowed: &[HeaderValue]) -> Result<(), Problem> {
    let mut origins = headers.get_all(ORIGIN).iter();
    let Some(origin) = origins.next() else {
        return Ok(());
    };
    let host = headers.get(HOST);
    if origins.next().is_none()
        && (allowed.contains(origin) || is_own(origin, host).unwrap_or(false))
    {
        return Ok(());
    }
    Err(Problem::new(StatusCode::FORBIDDEN, Code::Forbidden))
}

/// Whether host and port of the origin are those that were asked for.
fn is_own(origin: &HeaderValue, host: Option<&HeaderValue>) -> Option<bool> {
    let origin: Uri = origin.to_str().ok()?.parse().ok()?;
    let default = match origin.scheme_str()? {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let host: Authority = host?.to_str().ok()?.parse().ok()?;
    let same_host = origin.host()?.eq_ignore_ascii_case(host.host());
    Some(same_host && origin.port_u16().unwrap_or(default) == host.port_u16().unwrap_or(default))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may_connect(origin: &str, host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, origin.parse().unwrap());
        headers.insert(HOST, host.parse().unwrap());
        check(
            &headers,
            &[HeaderValue::from_static("https://friend.example")],
        )
        .is_ok()
    }

    #[test]
    fn only_our_own_pages_and_the_configured_ones_connect() {
        assert!(may_connect("http://chat.example:3000", "chat.example:3000"));
        assert!(may_connect("https://chat.example", "CHAT.example:443"));
        assert!(may_connect("http://[::1]:3000", "[::1]:3000"));
        assert!(may_connect("https://friend.example", "chat.example"));
        for origin in [
            "null",
            "https://evil.example",
            "https://chat.example.evil.example",
            "https://sub.chat.example",
            "https://chat.example:444",
            "https://friend.example:444",
            "https://chat.example@evil.example",
            "file://chat.example",
        ] {
            assert!(!may_connect(origin, "chat.example"), "{origin}");
        }
    }

    #[test]
    fn a_program_without_an_origin_connects() {
        assert!(check(&HeaderMap::new(), &[]).is_ok());
    }
}
