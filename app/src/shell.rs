//! The whole document, and where it starts in the browser.
//!
//! The server calls [`shell`] with a [`Boot`] in the context; `frontend` calls `hydrate` (or `mount`, without a server
//! that renders).

use leptos::{nonce::use_nonce, prelude::*};

use crate::{
    app::App,
    archive::Archive,
    boot::{self, Boot},
    head::{Manner, about, keep},
};

/// Runs before anything is drawn: the chosen colours and density, as `settings.rs` writes them.
const CHOSEN: &str = "try{var s=' '+localStorage.getItem('settings')+' ',d=document.documentElement.dataset,\
h=function(w){return s.indexOf(' '+w+' ')>=0};h('dark')?d.theme='dark':h('light')&&(d.theme='light');\
h('compact')&&(d.density='compact')}catch(e){}";

/// Runs before the first paint: own messages stand where they belong and the log at its end, and what will change its
/// width in the reader's time zone is held back, so that nothing moves when the application starts. `app.rs` takes the
/// class off again.
const EARLY: &str = "try{var d=document,l=d.getElementById('log'),u=localStorage.getItem('anonymousUserId');\
d.documentElement.classList.add('early');\
u&&d.querySelectorAll('[data-author=\"'+CSS.escape(u)+'\"]').forEach(function(e){e.classList.add('mine')});\
l&&(l.scrollTop=l.scrollHeight);var t=d.querySelector('.msg.target');t&&t.scrollIntoView({block:'center'})}catch(e){}";

/// The document around the application. Takes [`Boot`] from the context.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let boot = use_context::<Boot>().unwrap_or_default();
    let shell = use_context::<Manner>().is_some_and(|manner| manner.shell);
    // Pages of older messages are read as they are.
    let starts = use_context::<Archive>().is_none();
    let style = format!("/{}/sphere.css", options.site_pkg_dir);
    view! {
        <!DOCTYPE html>
        <html lang="en" data-shell=shell.then_some("")>
            <head>
                <meta charset="utf-8"/>
                <meta
                    name="viewport"
                    content="width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content"
                />
                <meta name="color-scheme" content="light dark"/>
                <meta name="theme-color" media="(prefers-color-scheme: light)" content="#f1f4f8"/>
                <meta name="theme-color" media="(prefers-color-scheme: dark)" content="#0e1116"/>
                {about()}
                <script nonce=use_nonce()>{CHOSEN}</script>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="stylesheet" href=style/>
                {starts.then(|| view! {
                    <script type="application/json" id=boot::ELEMENT nonce=use_nonce()>{boot.embed()}</script>
                    <AutoReload options=options.clone()/>
                    <HydrationScripts options root=""/>
                    {keep()}
                })}
            </head>
            <body>
                <App/>
                {starts.then(|| view! { <script nonce=use_nonce()>{EARLY}</script> })}
            </body>
        </html>
    }
}

/// Starts the application in the document that the server rendered.
#[cfg(feature = "hydrate")]
pub fn hydrate() {
    let text = document()
        .get_element_by_id(boot::ELEMENT)
        .and_then(|element| element.text_content());
    let boot = text.map(|text| Boot::read(&text)).unwrap_or_default();
    leptos::mount::hydrate_body(move || {
        provide_context(boot);
        App()
    });
}

/// Starts the application in an empty document: the rooms are asked for, and the socket brings the rest.
#[cfg(feature = "csr")]
pub fn mount() {
    use crate::{browser, server};
    // Leptos has no executor before something is mounted.
    wasm_bindgen_futures::spawn_local(async {
        // Without an answer the socket goes on trying.
        let text = browser::fetch(&server::address("/api/rooms")).await;
        let boot = Boot::read(&text.unwrap_or_default());
        if window().location().pathname().as_deref() == Ok("/")
            && let (Some(first), Ok(history)) = (boot.rooms.first(), window().history())
        {
            let address = format!("/rooms/{}", first.room);
            // If it cannot be written, the page says which rooms there are.
            let _ =
                history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&address));
        }
        leptos::mount::mount_to_body(move || {
            provide_context(boot);
            App()
        });
    });
}
