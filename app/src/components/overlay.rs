//! What opens above the page: one thing at a time, each a `dialog` of the browser, which keeps the focus inside and gives
//! it back.

use leptos::{html, prelude::*};

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

/// A dialog that is open while `what` is. What it holds is there only then.
#[component]
pub(crate) fn Dialog(
    what: Open,
    class: &'static str,
    label: &'static str,
    children: ChildrenFn,
) -> impl IntoView {
    let overlay = expect_context::<Overlay>();
    let dialog = NodeRef::<html::Dialog>::new();
    let open = Memo::new(move |_| overlay.0.get() == what);
    Effect::new(move |_| {
        let (open, Some(dialog)) = (open.get(), dialog.get()) else {
            return;
        };
        if open && !dialog.open() {
            // It fails only if the dialog is open already.
            let _ = dialog.show_modal();
        } else if !open && dialog.open() {
            dialog.close();
        }
    });
    let closed = move |_| {
        if open.get_untracked() {
            overlay.show(Open::None);
        }
    };
    // A click on the dialog itself is one beside what it holds.
    let beside = move |event: leptos::ev::MouseEvent| {
        if event.target() == event.current_target() {
            overlay.show(Open::None);
        }
    };
    view! {
        <dialog class=class aria-label=label node_ref=dialog on:close=closed on:click=beside>
            {move || open.get().then(|| view! { <div class="inside">{children()}</div> })}
        </dialog>
    }
}
