//! Where the browser starts: the module that the page loads calls `hydrate`.

use wasm_bindgen::prelude::wasm_bindgen;

/// Brings the page that the server rendered to life.
#[cfg(feature = "hydrate")]
#[wasm_bindgen]
pub fn hydrate() {
    sphere_app::hydrate();
}
