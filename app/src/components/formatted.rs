//! A message's text as people see it: the tree of `format` as elements. What somebody wrote only ever becomes text nodes
//! and, checked by `links`, addresses. `message_row` shows it, the log passes clicks on to [`clicked`].

mod tag;

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;

use tag::{Part, Tag};

use crate::{
    browser,
    format::{Block, Inline, Item, Style, is_only_emoji, read},
};

/// Shows a message's text as its bubble.
pub(crate) fn formatted(text: &str) -> impl IntoView + use<> {
    let class = if is_only_emoji(text) {
        "bubble emoji"
    } else {
        "bubble"
    };
    Tag::new("div", blocks(read(text)))
        .with("class", class)
        .with("dir", "auto")
}

fn tag(name: &'static str, children: Vec<Part>) -> Part {
    Part::Tag(Tag::new(name, children))
}

fn blocks(blocks: Vec<Block>) -> Vec<Part> {
    let mut parts = Vec::new();
    for block in blocks {
        match block {
            Block::Text(text) => parts.extend(inlines(text)),
            Block::Quote(quoted) => parts.push(Part::Tag(
                Tag::new("blockquote", self::blocks(quoted)).with("dir", "auto"),
            )),
            Block::List(items) => parts.push(list(items)),
            Block::Code { language, text } => parts.push(code(language, text)),
        }
    }
    parts
}

fn list(items: Vec<Item>) -> Part {
    let numbered = items.first().is_some_and(|item| item.number.is_some());
    let items = items.into_iter().map(|item| {
        let row = Tag::new("li", blocks(item.blocks)).with("dir", "auto");
        Part::Tag(match item.number {
            Some(number) => row.with("value", number.to_string()),
            None => row,
        })
    });
    tag(if numbered { "ol" } else { "ul" }, items.collect())
}

/// Code with a button to copy it. A long line is scrolled, so the keyboard must reach it.
fn code(language: String, text: String) -> Part {
    let copy = Tag::new("button", vec![Part::Text("Copy".to_owned())])
        .with("class", "link")
        .with("type", "button");
    let bar = Tag::new(
        "div",
        vec![tag("span", vec![Part::Text(language)]), Part::Tag(copy)],
    );
    let lines = Tag::new("pre", vec![tag("code", vec![Part::Text(text)])])
        .with("tabindex", "0")
        .with("aria-label", "Code");
    let all = vec![Part::Tag(bar.with("class", "bar")), Part::Tag(lines)];
    Part::Tag(
        Tag::new("div", all)
            .with("class", "code")
            .with("dir", "ltr"),
    )
}

fn inlines(inlines: Vec<Inline>) -> Vec<Part> {
    let mut parts = Vec::new();
    for inline in inlines {
        match inline {
            Inline::Text(text) => parts.push(Part::Text(text)),
            Inline::Code(code) => parts.push(tag("code", vec![Part::Text(code)])),
            Inline::Styled(style, inside) => {
                let inside = self::inlines(inside);
                parts.push(match style {
                    Style::Bold => tag("strong", inside),
                    Style::Italic => tag("em", inside),
                    Style::Struck => tag("s", inside),
                    Style::Spoiler => spoiler(inside),
                });
            }
            Inline::Link { href, label, place } => {
                // A page opens beside the chat, a mail in another program.
                let mail = href.as_bytes()[0].eq_ignore_ascii_case(&b'm');
                let link = Tag::new("a", self::inlines(label))
                    .with("href", href)
                    .with("rel", "noopener noreferrer nofollow");
                parts.push(Part::Tag(if mail {
                    link
                } else {
                    link.with("target", "_blank")
                }));
                parts.extend(place.map(|place| {
                    let place = Tag::new("bdi", vec![Part::Text(format!(" ({place})"))]);
                    Part::Tag(place.with("class", "place"))
                }));
            }
        }
    }
    parts
}

/// Text that is hidden, also from screen readers, until somebody asks for it.
fn spoiler(inside: Vec<Part>) -> Part {
    let button = Tag::new("button", Vec::new())
        .with("type", "button")
        .with("aria-label", "Spoiler")
        .with("aria-expanded", "false");
    let hidden = Tag::new("span", vec![tag("span", inside)]).with("aria-hidden", "true");
    let both = vec![Part::Tag(button), Part::Tag(hidden)];
    Part::Tag(Tag::new("span", both).with("class", "spoiler"))
}

/// Somebody clicked somewhere in the log: on a spoiler, or on a button that copies code.
pub(super) fn clicked(event: &web_sys::Event) {
    let target = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    let Some(target) = target else { return };
    let within = |what| target.closest(what).ok().flatten();
    if let Some(spoiler) = within(".spoiler") {
        // What is open is closed by its button only: a click on the text may be meant for a link in it.
        let open = spoiler.class_list().contains("open");
        if !open || target.matches("button").unwrap_or(false) {
            turn(&spoiler, !open);
        }
    } else if let Some(button) = within(".code button")
        && let Some(code) = within(".code").and_then(|code| code.query_selector("code").ok()?)
    {
        let copied = browser::copy(&code.text_content().unwrap_or_default());
        button.set_text_content(Some(if copied { "Copied" } else { "Not copied" }));
    }
}

/// Opens or closes a spoiler. Its parts are ours and take what is set.
fn turn(spoiler: &web_sys::Element, open: bool) {
    let _ = spoiler.class_list().toggle_with_force("open", open);
    if let Some(button) = spoiler.first_element_child() {
        let _ = button.set_attribute("aria-expanded", if open { "true" } else { "false" });
    }
    if let Some(hidden) = spoiler.last_element_child() {
        let _ = if open {
            hidden.remove_attribute("aria-hidden")
        } else {
            hidden.set_attribute("aria-hidden", "true")
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_wrote_stays_text() {
        let page = formatted("<b>&\"' **<i>** [<x>](https://a.b/?\"><script>)").to_html();
        assert!(!page.contains("<b>") && !page.contains("<i>") && !page.contains("<script"));
        assert!(page.contains("<strong>&lt;i&gt;</strong>"), "{page}");
    }

    #[test]
    fn marks_become_elements() {
        let page = formatted("**a** _b_ `c` ||d||\n> e\n- f").to_html();
        for part in [
            "<strong>a</strong>",
            "<em>b</em>",
            "<code>c</code>",
            "class=\"spoiler\"",
            "<blockquote dir=\"auto\">e",
            "<ul><li dir=\"auto\">f",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
    }
}
