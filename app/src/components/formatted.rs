//! A message's text as people see it: the tree of `format` as elements. What somebody wrote only ever becomes text nodes
//! and, checked by `links`, addresses. Called by `message_row`.

use leptos::{html, prelude::*};
use wasm_bindgen::JsCast as _;

use crate::format::{Block, Inline, Item, Style, read};

/// Shows a message's text.
pub(crate) fn formatted(text: &str) -> impl IntoView + use<> {
    blocks(read(text))
}

fn blocks(blocks: Vec<Block>) -> Vec<AnyView> {
    blocks.into_iter().map(block).collect()
}

fn block(block: Block) -> AnyView {
    match block {
        Block::Text(text) => inlines(text).into_any(),
        Block::Quote(quoted) => {
            view! { <blockquote dir="auto">{blocks(quoted)}</blockquote> }.into_any()
        }
        Block::List(items) => list(items),
        Block::Code { language, text } => code(language, text),
    }
}

fn list(items: Vec<Item>) -> AnyView {
    let numbered = items.first().is_some_and(|item| item.number.is_some());
    let items: Vec<_> = items
        .into_iter()
        .map(|item| view! { <li value=item.number dir="auto">{blocks(item.blocks)}</li> })
        .collect();
    if numbered {
        view! { <ol>{items}</ol> }.into_any()
    } else {
        view! { <ul>{items}</ul> }.into_any()
    }
}

/// Code with a button to copy it. A long line is scrolled, so the keyboard must reach it.
fn code(language: String, text: String) -> AnyView {
    let code = NodeRef::<html::Code>::new();
    let label = RwSignal::new("Copy");
    let copy = move |_| {
        if let Some(code) = code.get_untracked() {
            label.set(if copy_text_of(&code) {
                "Copied"
            } else {
                "Selected"
            });
        }
    };
    view! {
        <div class="code" dir="ltr">
            <div class="bar">
                <span>{language}</span>
                <button class="link" type="button" on:click=copy>{label}</button>
            </div>
            <pre tabindex="0" aria-label="Code"><code node_ref=code>{text}</code></pre>
        </div>
    }
    .into_any()
}

/// Puts an element's text on the clipboard; where the browser refuses, it stays selected for the reader to copy. The
/// newer clipboard API would need TLS.
fn copy_text_of(element: &web_sys::Element) -> bool {
    let Some(selection) = window().get_selection().ok().flatten() else {
        return false;
    };
    let copied = selection.select_all_children(element).is_ok()
        && document()
            .dyn_into::<web_sys::HtmlDocument>()
            .is_ok_and(|document| document.exec_command("copy").unwrap_or(false));
    if copied {
        // What was never selected is not selected now; there is nothing else to do about it.
        let _ = selection.remove_all_ranges();
    }
    copied
}

fn inlines(inlines: Vec<Inline>) -> Vec<AnyView> {
    inlines.into_iter().map(inline).collect()
}

fn inline(inline: Inline) -> AnyView {
    match inline {
        Inline::Text(text) => text.into_any(),
        Inline::Code(code) => view! { <code>{code}</code> }.into_any(),
        Inline::Styled(style, inside) => {
            let inside = inlines(inside);
            match style {
                Style::Bold => view! { <strong>{inside}</strong> }.into_any(),
                Style::Italic => view! { <em>{inside}</em> }.into_any(),
                Style::Struck => view! { <s>{inside}</s> }.into_any(),
                Style::Spoiler => spoiler(inside),
            }
        }
        Inline::Link { href, label, place } => {
            // A page opens beside the chat, a mail in another program.
            let target = (!href.as_bytes()[0].eq_ignore_ascii_case(&b'm')).then_some("_blank");
            view! {
                <a href=href target=target rel="noopener noreferrer nofollow">{inlines(label)}</a>
                {place.map(|place| view! { <bdi class="place">" ("{place}")"</bdi> })}
            }
            .into_any()
        }
    }
}

/// Text that is hidden, also from screen readers, until somebody asks for it.
fn spoiler(inside: Vec<AnyView>) -> AnyView {
    let open = RwSignal::new(false);
    view! {
        <span class="spoiler" class:open=open on:click=move |_| open.set(true)>
            <button
                type="button"
                aria-label="Spoiler"
                aria-expanded=move || open.get().to_string()
                on:click=move |event| {
                    event.stop_propagation();
                    open.update(|open| *open = !*open);
                }
            ></button>
            <span aria-hidden=move || (!open.get()).then_some("true")>
                <span>{inside}</span>
            </span>
        </span>
    }
    .into_any()
}
