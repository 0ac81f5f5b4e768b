//! What can be chosen: the name, how the chat looks, and when it calls.

use leptos::{ev, html, prelude::*};
use sphere_protocol::{limits::MAX_NAME, name};

use super::overlay::{Open, Overlay, dialog};
use crate::{
    calls,
    chat::{Action, use_chat},
    settings::{Hours, Settings, Theme},
};

/// The settings.
#[component]
pub(crate) fn SettingsDialog() -> impl IntoView {
    dialog(Open::Settings, "dialog", "Settings", all)
}

fn all() -> impl IntoView {
    let overlay = expect_context::<Overlay>();
    view! {
            <header class="bar">
                <h2>"Settings"</h2>
                <button class="btn bare" type="button" on:click=move |_| overlay.show(Open::None)>"Close"</button>
            </header>
            <Name/>
            <Choices
                label="Theme"
                name="theme"
                options=&["System", "Light", "Dark"]
                chosen=|settings| settings.theme as usize
                choose=|settings, chosen| settings.theme = [Theme::System, Theme::Light, Theme::Dark][chosen % 3]
            />
            <Choices
                label="Density"
                name="density"
                options=&["Comfortable", "Compact"]
                chosen=|settings| usize::from(settings.compact)
                choose=|settings, chosen| settings.compact = chosen == 1
            />
            <Choices
                label="Time"
                name="hours"
                options=&["System", "12 hours", "24 hours"]
                chosen=|settings| settings.hours as usize
                choose=|settings, chosen| settings.hours = [Hours::System, Hours::Twelve, Hours::TwentyFour][chosen % 3]
            />
            <Calls/>
    }
}

/// The display name: saved when it is asked for, not letter by letter, since everybody sees it.
#[component]
fn Name() -> impl IntoView {
    let chat = use_chat();
    let field = NodeRef::<html::Input>::new();
    let (saved, set_saved) = signal(false);
    chat.name_refused.set(false);
    let save = move |event: ev::SubmitEvent| {
        event.prevent_default();
        if let Some(field) = field.get_untracked() {
            chat.act(Action::Rename(field.value()));
            set_saved.set(!chat.name_refused.get_untracked());
        }
    };
    let value = chat.me.with_untracked(|me| {
        let name = me.as_ref().map(|me| me.user_name.clone());
        name.filter(|name| name != name::ANONYMOUS)
            .unwrap_or_default()
    });
    let help = move || match (chat.name_refused.get(), saved.get()) {
        (true, _) => "A name has 1 to 32 visible characters.",
        (false, true) => "Saved.",
        (false, false) => "It shows on what you write from now on. Others may have the same name.",
    };
    view! {
        <form class="form" on:submit=save>
            <label for="name">"Display name"</label>
            <div class="beside">
                <input
                    class="input"
                    id="name"
                    type="text"
                    name="name"
                    autocomplete="nickname"
                    maxlength=(2 * MAX_NAME).to_string()
                    aria-describedby="name-help"
                    aria-invalid=Signal::derive(move || chat.name_refused.get().to_string())
                    value=value
                    on:input=move |_| {
                        chat.name_refused.set(false);
                        set_saved.set(false);
                    }
                    node_ref=field
                />
                <button class="btn main" type="submit">"Save"</button>
            </div>
            <p class="help" id="name-help" role="status" class:error=Signal::derive(move || chat.name_refused.get())>{Signal::derive(help)}</p>
        </form>
    }
}

/// One of a few.
#[component]
fn Choices(
    label: &'static str,
    name: &'static str,
    options: &'static [&'static str],
    chosen: fn(&Settings) -> usize,
    choose: fn(&mut Settings, usize),
) -> impl IntoView {
    let chat = use_chat();
    let option = |(index, option): (usize, &'static &'static str)| {
        let pick = move |_| {
            let mut settings = chat.settings.get_untracked();
            choose(&mut settings, index);
            chat.act(Action::Set(settings));
        };
        view! {
            <label>
                <input
                    type="radio"
                    name=name
                    prop:checked=Signal::derive(move || chat.settings.with(chosen) == index)
                    on:change=pick
                />
                <span>{*option}</span>
            </label>
        }
    };
    view! {
        <fieldset class="choices">
            <legend>{label}</legend>
            <div class="segments">{options.iter().enumerate().map(option).collect_view()}</div>
        </fieldset>
    }
}

/// When the chat calls. The right to show notifications is asked for only here, by a click.
#[component]
fn Calls() -> impl IntoView {
    let chat = use_chat();
    let (denied, set_denied) = signal(false);
    let sound = move |event: ev::Event| {
        let mut settings = chat.settings.get_untracked();
        settings.sound = event_target_checked(&event);
        chat.act(Action::Set(settings));
        if settings.sound {
            calls::sound();
        }
    };
    let notify = move |event: ev::Event| {
        let wanted = event_target_checked(&event);
        let decide = move |granted: bool| {
            let mut settings = chat.settings.get_untracked();
            settings.notify = wanted && granted;
            set_denied.set(wanted && !granted);
            chat.act(Action::Set(settings));
            chat.settings.notify();
        };
        if wanted {
            calls::ask(decide);
        } else {
            decide(false);
        }
    };
    view! {
        <fieldset class="choices">
            <legend>"When nobody looks"</legend>
            <label class="check">
                <input type="checkbox" prop:checked=Signal::derive(move || chat.settings.with(|settings| settings.sound)) on:change=sound/>
                <span>"Play a sound"</span>
            </label>
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=Signal::derive(move || chat.settings.with(|settings| settings.notify))
                    disabled=!calls::can_notify()
                    on:change=notify
                />
                <span>"Show messages on the desktop"</span>
            </label>
            <p class="help" role="status" class:error=Signal::derive(move || denied.get())>
                {Signal::derive(move || {
                    if denied.get() {
                        "The browser does not allow it: allow notifications for this page in its settings."
                    } else if calls::can_notify() {
                        "A muted room does neither. Mute it with the bell beside its name."
                    } else {
                        "Notifications need a page that was loaded over https."
                    }
                })}
            </p>
        </fieldset>
    }
}
