//! A small dialog to take another display name.

use leptos::{ev, html, prelude::*};
use sphere_protocol::{limits::MAX_NAME, name};

use crate::chat::{Action, use_chat};

/// The dialog; whoever opens it calls `show_modal`.
#[component]
pub(crate) fn NameDialog(dialog: NodeRef<html::Dialog>) -> impl IntoView {
    let chat = use_chat();
    let field = NodeRef::<html::Input>::new();
    let close = move || {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    let save = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let Some(field) = field.get_untracked() else {
            return;
        };
        chat.act(Action::Rename(field.value()));
        if !chat.name_refused.get_untracked() {
            close();
        }
    };
    let value = move || {
        chat.me.with(|me| {
            me.as_ref()
                .map(|me| me.user_name.clone())
                .unwrap_or_default()
        })
    };
    let value = move || {
        Some(value())
            .filter(|value| value != name::ANONYMOUS)
            .unwrap_or_default()
    };
    view! {
        <dialog class="dialog" aria-labelledby="name-title" node_ref=dialog>
            <form class="form" on:submit=save>
                <h2 id="name-title">"Your name"</h2>
                <label>
                    <span>"Display name"</span>
                    <input
                        class="input"
                        type="text"
                        name="name"
                        autocomplete="nickname"
                        maxlength=(2 * MAX_NAME).to_string()
                        aria-describedby="name-help"
                        aria-invalid=move || chat.name_refused.get().to_string()
                        prop:value=value
                        on:input=move |_| chat.name_refused.set(false)
                        node_ref=field
                    />
                </label>
                <p class="help" id="name-help" class:error=move || chat.name_refused.get()>
                    {move || {
                        if chat.name_refused.get() {
                            "A name has 1 to 32 visible characters."
                        } else {
                            "It shows on what you write from now on. Others may have the same name."
                        }
                    }}
                </p>
                <div class="ends">
                    <button class="btn" type="button" on:click=move |_| close()>"Cancel"</button>
                    <button class="btn main" type="submit">"Save"</button>
                </div>
            </form>
        </dialog>
    }
}
