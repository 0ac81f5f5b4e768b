//! The browser's ways to call somebody: a sound and the desktop's notifications. Where a browser has none or refuses,
//! nothing happens; over plain HTTP there are no notifications.

use js_sys::{Function, Promise, Reflect};
use leptos::prelude::window;
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure};
use web_sys::{AudioContext, Notification, NotificationOptions, NotificationPermission};

/// Plays two short soft tones. Made here, so that nothing is downloaded.
pub(crate) fn sound() {
    // A browser that has not been clicked in yet plays nothing.
    let _ = try_sound();
}

fn try_sound() -> Result<(), JsValue> {
    thread_local! {
        static AUDIO: Option<AudioContext> = AudioContext::new().ok();
    }
    AUDIO.with(|audio| {
        let Some(audio) = audio else { return Ok(()) };
        for (start, pitch) in [(0.0, 660.0), (0.09, 880.0)] {
            let (tone, volume) = (audio.create_oscillator()?, audio.create_gain()?);
            let begin = audio.current_time() + start;
            tone.frequency().set_value(pitch);
            volume.gain().set_value_at_time(0.08, begin)?;
            volume
                .gain()
                .exponential_ramp_to_value_at_time(0.001, begin + 0.18)?;
            tone.connect_with_audio_node(&volume)?;
            volume.connect_with_audio_node(&audio.destination())?;
            tone.start_with_when(begin)?;
            tone.stop_with_when(begin + 0.2)?;
        }
        Ok(())
    })
}

/// Whether this browser can show notifications to this page.
pub(crate) fn can_notify() -> bool {
    window().is_secure_context() && Reflect::has(&window(), &"Notification".into()).unwrap_or(false)
}

/// Asks for the right to show notifications; only as the answer to a click.
pub(crate) fn ask(granted: impl FnOnce(bool) + 'static) {
    if !can_notify() {
        return granted(false);
    }
    let then = Closure::once_into_js(move |answer: JsValue| {
        granted(answer.as_string().as_deref() == Some("granted"));
    });
    let asked: Option<Promise> = Notification::request_permission().ok();
    let attach = asked
        .as_ref()
        .and_then(|promise| Reflect::get(promise, &"then".into()).ok());
    if let (Some(promise), Some(attach)) = (
        asked,
        attach.and_then(|attach| attach.dyn_into::<Function>().ok()),
    ) {
        // Attaching a handler to a promise cannot fail.
        let _ = attach.call1(&promise, &then);
    }
}

/// Shows a notification. All tabs give it the same tag, so it stands there once.
pub(crate) fn notify(title: &str, text: &str, tag: &str) {
    if !can_notify() || Notification::permission() != NotificationPermission::Granted {
        return;
    }
    let options = NotificationOptions::new();
    options.set_body(text);
    options.set_tag(tag);
    options.set_icon("/favicon.svg");
    // On some phones only a service worker may show one.
    let Ok(shown) = Notification::new_with_options(title, &options) else {
        return;
    };
    let click = Closure::<dyn FnMut()>::new(|| {
        // A window that cannot be brought to the front stays where it is.
        let _ = window().focus();
    });
    shown.set_onclick(Some(click.as_ref().unchecked_ref()));
    click.forget();
}
