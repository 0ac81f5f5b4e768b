//! The field to say something. It stays open whatever the connection does; what is written is kept.

use leptos::{ev, html, prelude::*};
use sphere_protocol::{limits::MAX_TEXT, text};

use super::{
    emoji_list::{self, EmojiList, EmojiOptions},
    icon::Icon,
};
use crate::{
    app::Current,
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
            send();
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
    let label = move || format!("Message {}", title.get());
    view! {
        <form class="composer" class:over=move || over.get() aria-label="New message" on:submit=submit>
            <EmojiOptions list=emoji/>
            <div class="field">
                <textarea
                    id="draft"
                    rows="1"
                    dir="auto"
                    autocomplete="off"
                    aria-label=label
                    placeholder=label
                    aria-invalid=move || over.get().then_some("true")
                    disabled=move || !chat.ready.get()
                    prop:value=move || chat.draft.get()
                    on:input=move |event| {
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
                    aria-disabled=move || (!sendable.get()).to_string()
                    disabled=move || !chat.ready.get()
                >
                    <Icon name="send"/>
                </button>
            </div>
            <Below length/>
        </form>
    }
}

/// The line under the field: what waits, how to send, how much room is left.
#[component]
fn Below(length: Memo<usize>) -> impl IntoView {
    let chat = use_chat();
    let note = move || match (chat.ready.get(), chat.link.get(), chat.waiting.get()) {
        (false, ..) => ("script", "Writing needs JavaScript.".to_owned()),
        (true, Link::Connecting, 1) => ("slow", "1 message waits for the connection".to_owned()),
        (true, Link::Connecting, 2..) => (
            "slow",
            format!("{} messages wait for the connection", chat.waiting.get()),
        ),
        _ => ("", String::new()),
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
        <div class="below">
            <p class=move || note().0>{move || note().1}</p>
            <p class="hint" hidden=counted>
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
                let style = web_sys::HtmlElement::style(&field);
                // Setting a property that a browser does not know does nothing.
                let _ = style.set_property("block-size", "auto");
                let _ = style.set_property("block-size", &format!("{}px", field.scroll_height()));
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
