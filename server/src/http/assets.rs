//! The client's files. A release binary has them inside and starts from any folder; a debug build reads the folder.
//!
//! Everything under `pkg/` is served below a segment made from the WebAssembly's hash, so it may be cached for ever.

use std::{borrow::Cow, fmt::Write as _};

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};
use sphere_protocol::Code;

use super::problem::Problem;

/// What the client's files are called.
pub const OUTPUT_NAME: &str = "sphere";

const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const AN_HOUR: &str = "public, max-age=3600";

/// The folder that `cargo leptos build` fills. Missing while only the server is checked or tested.
#[derive(RustEmbed)]
#[folder = "../target/site"]
#[allow_missing = true]
#[exclude = "*.d.ts"]
struct Site;

/// The folder of this build's files as the page names it: `pkg/<first 16 digits of the WebAssembly's SHA-256>`.
pub fn package_dir() -> String {
    let wasm = Site::get(&format!("pkg/{OUTPUT_NAME}.wasm"))
        .map(|file| file.data)
        .unwrap_or_default();
    let hash = Sha256::digest(&wasm);
    hash.iter()
        .take(8)
        .fold("pkg/".to_owned(), |mut dir, byte| {
            // Writing to a String cannot fail.
            let _ = write!(dir, "{byte:02x}");
            dir
        })
}

/// `GET /pkg/{hash}/{file}`: the hash only makes the address unique.
pub async fn package(Path((_hash, file)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let not_found = || Problem::new(StatusCode::NOT_FOUND, Code::UnknownEvent).into_response();
    file_of(&format!("pkg/{file}"), &headers, IMMUTABLE).unwrap_or_else(not_found)
}

/// A file beside the package, such as the icon.
pub fn public(path: &str, headers: &HeaderMap) -> Option<Response> {
    let path = path.trim_start_matches('/');
    if path.is_empty() || path.starts_with("pkg/") {
        return None;
    }
    file_of(path, headers, AN_HOUR)
}

fn file_of(path: &str, headers: &HeaderMap, cache: &'static str) -> Option<Response> {
    let (encoding, data) = encoded(path, headers)?;
    let mut response = data.into_response();
    let headers = response.headers_mut();
    let mime = mime_guess::from_path(path).first_or_octet_stream();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_str(mime.as_ref()).ok()?,
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    Some(response)
}

/// The file in the smallest form that was made ahead and that the browser takes.
fn encoded(path: &str, headers: &HeaderMap) -> Option<(Option<&'static str>, Cow<'static, [u8]>)> {
    let accepted = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let accepts = |encoding: &str| {
        accepted
            .split(',')
            .any(|item| item.split(';').next().unwrap_or_default().trim() == encoding)
    };
    for (encoding, suffix) in [("br", "br"), ("gzip", "gz")] {
        if accepts(encoding)
            && let Some(file) = Site::get(&format!("{path}.{suffix}"))
        {
            return Some((Some(encoding), file.data));
        }
    }
    Site::get(path).map(|file| (None, file.data))
}
