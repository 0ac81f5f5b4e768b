//! What opens above the page: one thing at a time, each a `dialog` of the browser, which keeps the focus inside and gives
//! it back.

use leptos::{
    html,
    mount::{UnmountHandle, mount_to},
    prelude::*,
};
use wasm_bindgen::JsCast as _;

/// What is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Open {
    /// Nothing.
    #[default]
    None,
    /// The way to another room by its name.
    Switcher,
    /// What can be chosen.
    Settings,
    /// The list of keys.
    Keys,
}

/// What is open, in the context.
#[derive(Clone, Copy)]
pub(crate) struct Overlay(pub(crate) RwSignal<Open>);

impl Overlay {
    /// Opens something, or closes what is open.
    pub(crate) fn show(self, open: Open) {
        self.0.set(open);
    }
}

/// A dialog that is open while `what` is. What it holds is made when it opens and goes when it closes, so the first
/// page carries none of it, and the browser no code to hydrate it.
pub(crate) fn dialog<V: IntoView + 'static>(
    what: Open,
    class: &'static str,
    label: &'static str,
    content: fn() -> V,
) -> impl IntoView {
    let overlay = expect_context::<Overlay>();
    let dialog = NodeRef::<html::Dialog>::new();
    let open = Memo::new(move |_| overlay.0.get() == what);
    Effect::new(
        move |shown: Option<Option<UnmountHandle<V::State>>>| -> Option<_> {
            let (open, dialog) = (open.get(), dialog.get()?);
            if !open {
                drop(shown);
                if let Some(inside) = dialog.first_element_child() {
                    inside.remove();
                }
                dialog.close();
                return None;
            }
            let inside = document().create_element("div").ok()?;
            inside.set_class_name("inside");
            dialog.append_child(&inside).ok()?;
            let shown = mount_to(inside.unchecked_into(), content);
            // It fails only if the dialog is open already.
            let _ = dialog.show_modal();
            Some(shown)
        },
    );
    let closed = move |_| {
        // It may have been opened again by the time that this is told.
        let stands = dialog.get_untracked().is_some_and(|dialog| dialog.open());
        if open.get_untracked() && !stands {
            overlay.show(Open::None);
        }
    };
    // A click on the dialog itself is one beside what it holds.
    let beside = move |event: leptos::ev::MouseEvent| {
        if event.target() == event.current_target() {
            overlay.show(Open::None);
        }
    };
    view! { <dialog class=class aria-label=label node_ref=dialog on:close=closed on:click=beside></dialog> }
}
