//! Elements in which nothing ever changes, as a view: in the browser they are built once, or found as the server wrote
//! them, without a signal or a closure for each word in bold. `formatted` makes them.

use leptos::{
    prelude::*,
    tachys::{
        html::attribute::{Attribute, any_attribute::AnyAttribute},
        hydration::Cursor,
        view::{Position, PositionState, add_attr::AddAnyAttr},
    },
};
use wasm_bindgen::JsCast as _;

/// An element, what stands in it, and nothing that changes.
#[derive(Debug)]
pub(super) struct Tag {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    children: Vec<Part>,
}

/// What stands in an element.
#[derive(Debug)]
pub(super) enum Part {
    /// Text.
    Text(String),
    /// Another element.
    Tag(Tag),
}

impl Tag {
    pub(super) fn new(name: &'static str, children: Vec<Part>) -> Self {
        Self {
            name,
            attributes: Vec::new(),
            children,
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    /// As elements of the page. Names and values are ours or checked, so the browser takes all of them.
    fn make(&self) -> Option<web_sys::Element> {
        let document = document();
        let element = document.create_element(self.name).ok()?;
        for (name, value) in &self.attributes {
            element.set_attribute(name, value).ok()?;
        }
        for child in &self.children {
            match child {
                Part::Text(text) => {
                    element
                        .append_child(&document.create_text_node(text))
                        .ok()?;
                }
                Part::Tag(tag) => {
                    element.append_child(tag.make()?.as_ref()).ok()?;
                }
            }
        }
        Some(element)
    }

    /// As the text of a page.
    fn write(&self, page: &mut String) {
        page.push('<');
        page.push_str(self.name);
        for (name, value) in &self.attributes {
            page.push(' ');
            page.push_str(name);
            page.push_str("=\"");
            html_escape::encode_double_quoted_attribute_to_string(value, page);
            page.push('"');
        }
        page.push('>');
        for child in &self.children {
            match child {
                Part::Text(text) => {
                    html_escape::encode_text_to_string(text, page);
                }
                Part::Tag(tag) => tag.write(page),
            }
        }
        page.push_str("</");
        page.push_str(self.name);
        page.push('>');
    }
}

impl Render for Tag {
    type State = web_sys::Element;

    fn build(self) -> Self::State {
        let built = self.make();
        // Without a document there is nothing to show anything in.
        built.unwrap_or_else(|| leptos::tachys::dom::body().unchecked_into())
    }

    fn rebuild(self, _state: &mut Self::State) {}
}

impl AddAnyAttr for Tag {
    type Output<New: Attribute> = Self;

    fn add_any_attr<New: Attribute>(self, _attribute: New) -> Self::Output<New> {
        self
    }
}

impl RenderHtml for Tag {
    type AsyncOutput = Self;
    type Owned = Self;

    const MIN_LENGTH: usize = 32;

    fn dry_resolve(&mut self) {}

    async fn resolve(self) -> Self {
        self
    }

    fn to_html_with_buf(
        self,
        page: &mut String,
        position: &mut Position,
        _escape: bool,
        _mark_branches: bool,
        _attributes: Vec<AnyAttribute>,
    ) {
        self.write(page);
        *position = Position::NextChild;
    }

    fn hydrate<const FROM_SERVER: bool>(
        self,
        cursor: &Cursor,
        position: &PositionState,
    ) -> Self::State {
        if position.get() == Position::FirstChild {
            cursor.child();
        } else {
            cursor.sibling();
        }
        position.set(Position::NextChild);
        // What the server wrote is already there, all of it.
        cursor.current().unchecked_into()
    }

    fn into_owned(self) -> Self {
        self
    }
}
