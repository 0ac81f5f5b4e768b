//! What the browser is asked for: the clock, chance, timers, whether somebody looks. Only Effects and event handlers
//! call this, so it never runs on the server. Nothing here throws, also over plain HTTP.

use std::time::Duration;

use js_sys::{Date, Function, Promise, Reflect};
use leptos::prelude::{document, set_timeout, window};
use sphere_protocol::{Cid, RoomName, Timestamp};
use uuid::Builder;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;

/// The browser's clock.
pub(crate) fn now() -> Timestamp {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "milliseconds since 1970 are far below 2^53"
    )]
    Timestamp(Date::now() as i64)
}

/// Random bytes that nobody can guess.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // getRandomValues is there in every context; only a broken browser lets it fail.
    if let Ok(crypto) = window().crypto() {
        let _ = crypto.get_random_values_with_u8_array(&mut bytes);
    }
    bytes
}

/// A number between 0 and 1 that needs no secrecy.
pub(crate) fn chance() -> f64 {
    js_sys::Math::random()
}

/// A client key. crypto.randomUUID is missing over plain HTTP.
pub(crate) fn new_cid() -> Cid {
    Cid(Builder::from_random_bytes(random()).into_uuid())
}

/// Calls back after a while.
pub(crate) fn after(ms: u64, call: impl FnOnce() + 'static) {
    set_timeout(call, Duration::from_millis(ms));
}

/// Whether the page is in front.
pub(crate) fn is_visible() -> bool {
    document().visibility_state() == web_sys::VisibilityState::Visible
}

/// Whether somebody looks at the page and types into it.
pub(crate) fn is_watched() -> bool {
    is_visible() && document().has_focus().unwrap_or(false)
}

/// Whether the browser believes that it has a network.
pub(crate) fn is_online() -> bool {
    window().navigator().on_line()
}

/// Moves the focus to the first element of a kind; says whether there is one to take it.
pub(crate) fn focus(selector: &str) -> bool {
    let found = document().query_selector(selector).ok().flatten();
    let element = found.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok());
    element.is_some_and(|element| element.focus().is_ok())
}

/// Puts a text where it can be pasted from; says whether that worked. By selecting it: the newer way needs TLS.
pub(crate) fn copy(text: &str) -> bool {
    try_copy(text).unwrap_or(false)
}

fn try_copy(text: &str) -> Result<bool, JsValue> {
    let page: web_sys::HtmlDocument = document().unchecked_into();
    let focused = page.active_element();
    let field: web_sys::HtmlTextAreaElement = page.create_element("textarea")?.unchecked_into();
    field.set_value(text);
    field.set_class_name("vh");
    // Inside of what is open: elsewhere nothing can be selected while a dialog is.
    let place = focused
        .as_ref()
        .and_then(|element| element.parent_element());
    let place = place.unwrap_or_else(|| leptos::tachys::dom::body().unchecked_into());
    place.append_child(&field)?;
    field.select();
    let copied = page.exec_command("copy");
    field.remove();
    if let Some(focused) =
        focused.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok())
    {
        focused.focus()?;
    }
    copied
}

/// Tells the server which room to open when somebody comes without naming one.
pub(crate) fn remember_room(room: &RoomName) {
    if let Ok(document) = document().dyn_into::<web_sys::HtmlDocument>() {
        // Where cookies are refused, the first room opens.
        let _ = document.set_cookie(&format!(
            "room={room}; path=/; max-age=31536000; samesite=lax"
        ));
    }
}

/// A text in lower case.
pub(crate) fn lower_case(text: &str) -> String {
    js_sys::JsString::from(text).to_lower_case().into()
}

/// A name in normal form C, as the server wants it.
pub(crate) fn normal_form(text: &str) -> String {
    js_sys::JsString::from(text).normalize("NFC").into()
}

/// Whether an input method is in the middle of a word.
pub(crate) fn is_composing(event: &JsValue) -> bool {
    Reflect::get(event, &"isComposing".into()).is_ok_and(|value| value.is_truthy())
}

/// The text at an address.
pub(crate) async fn fetch(address: &str) -> Option<String> {
    let answer = JsFuture::from(window().fetch_with_str(address)).await;
    let answer = answer.ok()?.dyn_into::<web_sys::Response>().ok()?;
    let text = answer.ok().then(|| answer.text().ok()).flatten()?;
    JsFuture::from(text).await.ok()?.as_string()
}

/// The browser's lock manager; none over plain HTTP.
#[derive(Debug, Clone)]
pub(crate) struct Locks(JsValue);

impl Locks {
    /// Finds it.
    pub(crate) fn find() -> Option<Self> {
        let locks = Reflect::get(&window().navigator(), &"locks".into()).ok()?;
        locks.is_object().then_some(Self(locks))
    }

    /// Asks for a lock. `granted` is called with the function that gives it back; `refused` when there is none to have.
    pub(crate) fn request(
        &self,
        name: &str,
        granted: impl FnOnce(Function) + 'static,
        refused: impl FnOnce() + 'static,
    ) {
        let hold = Closure::once_into_js(move |_lock: JsValue| -> Promise {
            let mut granted = Some(granted);
            Promise::new(&mut |resolve, _reject| {
                if let Some(granted) = granted.take() {
                    granted(resolve);
                }
            })
        });
        let refused = Closure::once_into_js(move |_why: JsValue| refused());
        let asked = Reflect::get(&self.0, &"request".into())
            .ok()
            .and_then(|request| request.dyn_into::<Function>().ok())
            .and_then(|request| request.call2(&self.0, &name.into(), &hold).ok());
        let catch = asked
            .as_ref()
            .and_then(|promise| Reflect::get(promise, &"catch".into()).ok());
        match (
            asked,
            catch.and_then(|catch| catch.dyn_into::<Function>().ok()),
        ) {
            (Some(promise), Some(catch)) => {
                // Attaching a handler to a promise cannot fail.
                let _ = catch.call1(&promise, &refused);
            }
            _ => {
                let _ = refused
                    .unchecked_into::<Function>()
                    .call0(&JsValue::UNDEFINED);
            }
        }
    }
}
