//! The field to say something. It stays open whatever the connection does; what is written is kept.

use std::time::Duration;

use leptos::{ev, html, prelude::*};
use sphere_protocol::{limits::MAX_TEXT, text};
use wasm_bindgen::JsCast as _;

use super::{
    emoji_list::{self, EmojiList, EmojiOptions},
    icon::Icon,
};
use crate::{
    app::Current,
    browser,
    chat::{Action, Chat, Link, use_chat},
};

/// From so many characters on they are counted.
const COUNT_FROM: usize = 4_500;
/// The key code of a key press that an input method takes for itself.
const IME: u32 = 229;

/// The composer of the room that is shown.
#[component]
pub(crate) fn Composer(title: Signal<String>) -> impl IntoView {
    let chat = use_chat();
    let Current(current) = expect_context::<Current>();
    let field = NodeRef::<html::Textarea>::new();
    let length = Memo::new(move |_| chat.draft.with(|draft| draft.chars().count()));
    let sendable =
        Memo::new(move |_| chat.ready.get() && chat.draft.with(|draft| text::check(draft).is_ok()));
    let over = Memo::new(move |_| length.get() > MAX_TEXT);
    let send = move || {
        if sendable.get_untracked() {
            chat.act(Action::Send(chat.draft.get_untracked()));
        }
        if let Some(field) = field.get_untracked() {
            // A field that is not drawn takes no focus.
            let _ = field.focus();
        }
    };
    // How far back in what this user wrote, and what stands there: only that may be replaced by the next one.
    let recalled = StoredValue::new((0_usize, String::new()));
    let undo = RwSignal::new(false);
    let emoji = EmojiList::new(field);
    let key = move |event: ev::KeyboardEvent| {
        let plain =
            !event.shift_key() && !event.ctrl_key() && !event.alt_key() && !event.meta_key();
        let composing = event.is_composing() || event.key_code() == IME;
        if plain && !composing && emoji.key(&event.key()) {
            event.prevent_default();
            event.stop_propagation();
            return;
        }
        if event.key() == "Enter" && plain && !event.is_composing() && event.key_code() != IME {
            event.prevent_default();
            undo.set(false);
            send();
        } else if matches!(event.key().as_str(), "ArrowUp" | "ArrowDown") && plain {
            if recall(chat, recalled, event.key() == "ArrowUp") {
                event.prevent_default();
            }
        } else if event.key() == "z"
            && (event.ctrl_key() || event.meta_key())
            && chat.draft.with_untracked(String::is_empty)
        {
            // The browser would bring back into the field what was sent.
            event.prevent_default();
            undo.set(true);
        }
    };
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        send();
    };
    grow(chat, field);
    // Another room: whoever came by keyboard or mouse writes at once; on a touch screen the keyboard would jump up.
    Effect::new(move |before: Option<Option<_>>| {
        let room = current.get();
        let mouse = window()
            .match_media("(hover: hover)")
            .ok()
            .flatten()
            .is_some_and(|query| query.matches());
        if mouse
            && before.is_some_and(|before| before != room)
            && let Some(field) = field.get_untracked()
        {
            let _ = field.focus();
        }
        room
    });
    let label = Signal::derive(move || format!("Message {}", title.get()));
    view! {
        <form class="composer" class:over=Signal::derive(move || over.get()) aria-label="New message" on:submit=submit>
            <EmojiOptions list=emoji/>
            <div class="field">
                <textarea
                    id="draft"
                    rows="1"
                    dir="auto"
                    autocomplete="off"
                    aria-label=label
                    placeholder=label
                    aria-invalid=Signal::derive(move || over.get().then_some("true"))
                    aria-describedby="below"
                    disabled=Signal::derive(move || !chat.ready.get())
                    prop:value=Signal::derive(move || chat.draft.get())
                    on:input=move |event| {
                        undo.set(false);
                        chat.act(Action::Draft(event_target_value(&event).replace('\0', "")));
                        emoji.input(&event);
                    }
                    on:keydown=key
                    on:blur=move |_| emoji.close()
                    aria-autocomplete="list"
                    aria-controls=emoji_list::LIST
                    aria-activedescendant=move || emoji.active()
                    node_ref=field
                ></textarea>
                <button
                    class="send"
                    type="submit"
                    aria-label="Send"
                    aria-disabled=Signal::derive(move || (!sendable.get()).to_string())
                    disabled=Signal::derive(move || !chat.ready.get())
                >
                    <Icon name="send"/>
                </button>
            </div>
            <Below length undo/>
        </form>
    }
}

/// Puts what this user wrote before into an empty field, one message further with each press.
fn recall(chat: Chat, recalled: StoredValue<(usize, String)>, back: bool) -> bool {
    let draft = chat.draft.get_untracked();
    let (depth, shown) = recalled.get_value();
    let going = !draft.is_empty() && draft == shown;
    if !(going || draft.is_empty() && back) {
        return false;
    }
    let texts = chat.own_texts();
    let depth = match (going, back) {
        (false, _) => 1,
        (true, true) => depth + 1,
        (true, false) => depth - 1,
    };
    let text = match depth {
        0 => String::new(),
        depth => match texts.get(depth - 1) {
            Some(text) => text.clone(),
            None => return true,
        },
    };
    recalled.set_value((depth, text.clone()));
    chat.act(Action::Draft(text));
    true
}

/// How long the room still waits because too much was written in a short time, in seconds.
fn countdown(chat: Chat) -> Signal<i64> {
    let left = RwSignal::new(0);
    let look = move || {
        let until = chat.slowed.get_untracked().map_or(0, |until| until.0);
        let ms = until - browser::now().0;
        if ms <= 0 && until > 0 {
            chat.slowed.set(None);
        }
        left.set((ms.max(0) + 999) / 1_000);
    };
    Effect::new(move |_| {
        if chat.slowed.get().is_some() {
            look();
            let ticking = set_interval_with_handle(look, Duration::from_millis(200));
            on_cleanup(move || {
                if let Ok(ticking) = ticking {
                    ticking.clear();
                }
            });
        }
    });
    left.into()
}

/// The line under the field: what waits, how to send, how much room is left.
#[component]
fn Below(length: Memo<usize>, undo: RwSignal<bool>) -> impl IntoView {
    let chat = use_chat();
    let slowed = countdown(chat);
    let note = move || {
        let (connected, waiting) = (chat.link.get() == Link::Connected, chat.waiting.get());
        match (chat.ready.get(), connected, waiting, slowed.get()) {
            (false, ..) => ("script", "Writing needs JavaScript.".to_owned()),
            (true, false, 1, _) => ("slow", "1 message waits for the connection".to_owned()),
            (true, false, 2.., _) => (
                "slow",
                format!("{waiting} messages wait for the connection"),
            ),
            (true, true, 1.., 1..) => (
                "slow",
                format!("Too fast: sending goes on in {} s", slowed.get()),
            ),
            _ if undo.get() => ("", "What was sent cannot be taken back.".to_owned()),
            _ => ("", String::new()),
        }
    };
    let counted = move || length.get() >= COUNT_FROM;
    let count = move || {
        let length = length.get();
        counted().then(|| {
            let class = if length > MAX_TEXT {
                "count over"
            } else {
                "count near"
            };
            let over = length.saturating_sub(MAX_TEXT);
            let words = if over > 0 {
                format!("{} too many", thousands(over))
            } else {
                format!("{} of {}", thousands(length), thousands(MAX_TEXT))
            };
            view! { <p class=class>{words}</p> }
        })
    };
    view! {
        <div class="below" id="below">
            <p class=Signal::derive(move || note().0) role="status">{Signal::derive(move || note().1)}</p>
            <p class="hint" hidden=Signal::derive(counted)>
                <b>"Enter"</b>" sends, "<b>"Shift Enter"</b>" starts a line"
            </p>
            {count}
        </div>
    }
}

/// `4512` as people read it.
fn thousands(number: usize) -> String {
    if number < 1_000 {
        number.to_string()
    } else {
        format!("{},{:03}", number / 1_000, number % 1_000)
    }
}

/// The field grows with its text where the style alone cannot do it.
fn grow(chat: Chat, field: NodeRef<html::Textarea>) {
    Effect::new(move |_| {
        chat.draft.track();
        let Some(field) = field.get() else { return };
        let computed = window().get_computed_style(&field).ok().flatten();
        let native = computed.is_some_and(|style| {
            style
                .get_property_value("field-sizing")
                .is_ok_and(|value| !value.is_empty())
        });
        if !native {
            request_animation_frame(move || {
                // Setting a property that a browser does not know does nothing.
                let size = |element: &web_sys::HtmlElement, size: &str| {
                    let _ = element.style().set_property("block-size", size);
                };
                // While it is measured nothing around it moves, or the log would lose its place.
                let around = field.parent_element();
                let around =
                    around.and_then(|around| around.dyn_into::<web_sys::HtmlElement>().ok());
                let Some(around) = around else { return };
                size(&around, &format!("{}px", around.offset_height()));
                size(&field, "auto");
                size(&field, &format!("{}px", field.scroll_height()));
                size(&around, "auto");
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_written_with_a_comma() {
        assert_eq!(thousands(12), "12");
        assert_eq!(thousands(4_512), "4,512");
        assert_eq!(thousands(5_000), "5,000");
    }
}
