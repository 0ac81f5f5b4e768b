//! Where the browser starts: the module that the page loads calls `hydrate`; a page without a server that renders starts
//! by itself.

use wasm_bindgen::prelude::wasm_bindgen;

/// Brings the page that the server rendered to life.
#[cfg(feature = "hydrate")]
#[wasm_bindgen]
pub fn hydrate() {
    sphere_app::hydrate();
}

/// Draws everything in the browser.
#[cfg(all(feature = "csr", not(feature = "hydrate")))]
#[wasm_bindgen(start)]
pub fn start() {
    sphere_app::mount();
}
