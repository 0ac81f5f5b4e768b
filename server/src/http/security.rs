//! Headers that every answer has, errors included: the browser runs and loads only what is ours.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::Response,
};

const PERMISSIONS: &str = "accelerometer=(), browsing-topics=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), \
                           hid=(), magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=()";

/// Adds the headers; what a handler has set itself stays.
pub async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (HeaderName::from_static("permissions-policy"), PERMISSIONS),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        set_policy(headers, None, false);
    }
    response
}

/// Sets the content security policy. A page names the nonce of its own scripts; anything else runs none at all.
pub fn set_policy(headers: &mut HeaderMap, nonce: Option<&str>, watching: bool) {
    let nonce = nonce
        .map(|nonce| format!("'nonce-{nonce}'"))
        .unwrap_or_default();
    let script = if nonce.is_empty() {
        "'none'".to_owned()
    } else {
        format!("{nonce} 'strict-dynamic' 'wasm-unsafe-eval'")
    };
    // `cargo leptos watch` tells the page over a socket of its own that something was rebuilt.
    let reload = if watching {
        " ws://127.0.0.1:3001 ws://localhost:3001"
    } else {
        ""
    };
    let policy = format!(
        "default-src 'none'; script-src {script}; style-src 'self' {nonce}; img-src 'self' data:; connect-src 'self'{reload}; \
         font-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
}
