//! Where the server is: where the page came from, unless the page comes from elsewhere and names it.
//!
//! Only a client that Trunk built comes from elsewhere. Its page says `<meta name="sphere-server" content="https://…">`.

use leptos::prelude::window;

/// The address of something on the server.
pub(crate) fn address(path: &str) -> String {
    format!("{}{path}", elsewhere().unwrap_or_default())
}

/// The address of the socket. Only in the browser.
pub(crate) fn socket() -> Option<String> {
    let origin = elsewhere().or_else(|| window().location().origin().ok())?;
    Some(format!("{}/ws", origin.replacen("http", "ws", 1)))
}

/// The server's origin, if it is not the page's.
fn elsewhere() -> Option<String> {
    if !cfg!(feature = "csr") {
        return None;
    }
    let meta = leptos::prelude::document().query_selector("meta[name=sphere-server]");
    let origin = meta.ok().flatten()?.get_attribute("content")?;
    Some(origin.trim_end_matches('/').to_owned())
}
