//! The emoji that fit what is being typed: a list above the composer, which keeps the focus. Arrows choose, Enter and Tab
//! take, Escape closes. The composer asks [`EmojiList::key`] first, and calls [`EmojiList::input`] after each change.

use leptos::{ev, html, prelude::*, task::spawn_local};

use crate::{
    browser,
    chat::{Action, Chat, use_chat},
    emoji::{Emoji, byte_at, find, named, typed},
};

/// The `id` of the list.
pub(crate) const LIST: &str = "emoji";
const ADDRESS: &str = "/emoji.txt";

/// The names of all emoji.
#[derive(Debug, Clone)]
enum Names {
    Unasked,
    Coming,
    Here(String),
}

/// The list and what it stands above.
#[derive(Clone, Copy)]
pub(crate) struct EmojiList {
    chat: Chat,
    field: NodeRef<html::Textarea>,
    names: StoredValue<Names>,
    found: RwSignal<Vec<Emoji>>,
    chosen: RwSignal<usize>,
}

impl EmojiList {
    /// A list for this field.
    pub(crate) fn new(field: NodeRef<html::Textarea>) -> Self {
        Self {
            chat: use_chat(),
            field,
            names: StoredValue::new(Names::Unasked),
            found: RwSignal::new(Vec::new()),
            chosen: RwSignal::new(0),
        }
    }

    /// Whether there is something to choose from.
    pub(crate) fn is_open(self) -> bool {
        self.found.with(|found| !found.is_empty())
    }

    /// The `id` of what is chosen.
    pub(crate) fn active(self) -> Option<String> {
        self.is_open().then(|| option_id(self.chosen.get()))
    }

    /// A key was pressed; true if the list took it.
    pub(crate) fn key(self, key: &str) -> bool {
        let count = self.found.with_untracked(Vec::len);
        if count == 0 {
            return false;
        }
        let chosen = self.chosen.get_untracked();
        match key {
            "ArrowDown" => self.chosen.set((chosen + 1) % count),
            "ArrowUp" => self.chosen.set((chosen + count - 1) % count),
            "Enter" | "Tab" => self.take(chosen),
            "Escape" => self.close(),
            _ => return false,
        }
        true
    }

    /// Somebody typed. While an input method composes a word, it is its.
    pub(crate) fn input(self, event: &ev::Event) {
        if !browser::is_composing(event) {
            self.typed();
        }
    }

    fn typed(self) {
        let Some((text, caret)) = self.before_caret() else {
            return;
        };
        let before = &text[..caret];
        let Some(typed) = typed(before) else {
            return self.close();
        };
        let list = match self.names.get_value() {
            Names::Here(list) => list,
            Names::Unasked => return self.load(),
            Names::Coming => return,
        };
        if typed.ended {
            self.close();
            if let Some(emoji) = named(&list, typed.name) {
                self.replace(&text, typed.start, caret, &emoji.sign);
            }
        } else {
            self.chosen.set(0);
            self.found.set(find(&list, typed.name));
        }
    }

    /// Offers nothing any more.
    pub(crate) fn close(self) {
        if self.found.with_untracked(|found| !found.is_empty()) {
            self.found.set(Vec::new());
        }
    }

    fn take(self, index: usize) {
        let sign = self
            .found
            .with_untracked(|found| found.get(index).map(|emoji| emoji.sign.clone()));
        self.close();
        if let (Some(sign), Some((text, caret))) = (sign, self.before_caret())
            && let Some(typed) = typed(&text[..caret])
        {
            self.replace(&text, typed.start, caret, &format!("{sign} "));
        }
    }

    /// The text of the field, and the byte before which the caret stands.
    fn before_caret(self) -> Option<(String, usize)> {
        let field = self.field.get_untracked()?;
        let text = field.value();
        let caret = byte_at(&text, field.selection_end().ok()??);
        Some((text, caret))
    }

    fn replace(self, text: &str, start: usize, end: usize, with: &str) {
        let Some(field) = self.field.get_untracked() else {
            return;
        };
        let head = format!("{}{with}", &text[..start]);
        let caret = u32::try_from(head.encode_utf16().count()).unwrap_or(u32::MAX);
        let text = head + &text[end..];
        field.set_value(&text);
        // A caret that cannot be set stands at the end.
        let _ = field.set_selection_range(caret, caret);
        self.chat.act(Action::Draft(text));
    }

    /// Loads the names; without a network there are none, and the next word asks again.
    fn load(self) {
        self.names.set_value(Names::Coming);
        spawn_local(async move {
            let names = browser::fetch(ADDRESS)
                .await
                .map_or(Names::Unasked, Names::Here);
            let came = matches!(names, Names::Here(_));
            // The composer may be gone by now.
            if self.names.try_set_value(names).is_none() && came {
                self.typed();
            }
        });
    }
}

/// The list as people see it. The field names it, and which option is chosen.
#[component]
pub(crate) fn EmojiOptions(list: EmojiList) -> impl IntoView {
    let option = move |(index, emoji): (usize, Emoji)| {
        let chosen = move || list.chosen.get() == index;
        view! {
            <li
                id=option_id(index)
                role="option"
                aria-selected=move || chosen().to_string()
                on:mousedown=move |event| {
                    // The field keeps the focus.
                    event.prevent_default();
                    list.take(index);
                }
            >
                <span>{emoji.sign}</span>
                {emoji.name}
            </li>
        }
    };
    let options = move || {
        let found = list.found.get();
        found.into_iter().enumerate().map(option).collect_view()
    };
    view! {
        <ul class="emoji-list" id=LIST role="listbox" aria-label="Emoji" hidden=move || !list.is_open()>
            {options}
        </ul>
    }
}

fn option_id(index: usize) -> String {
    format!("{LIST}-{index}")
}
