//! The whole document, and where it starts in the browser.
//!
//! The server calls [`shell`] with a [`Boot`] in the context; `frontend` calls [`hydrate`].

use leptos::{nonce::use_nonce, prelude::*};

use crate::boot::{self, Boot};

/// The document around the application. Takes [`Boot`] from the context.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let boot = use_context::<Boot>().unwrap_or_default();
    let title = boot
        .title()
        .map_or_else(|| "Sphere".to_owned(), |title| format!("{title} · Sphere"));
    let style = format!("/{}/sphere.css", options.site_pkg_dir);
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content"/>
                <meta name="color-scheme" content="light dark"/>
                <title>{title}</title>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="stylesheet" href=style/>
                <script type="application/json" id=boot::ELEMENT nonce=use_nonce()>{boot.embed()}</script>
                <AutoReload options=options.clone()/>
                <HydrationScripts options root=""/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// The application inside the body.
#[component]
pub fn App() -> impl IntoView {
    let boot = use_context::<Boot>().unwrap_or_default();
    let items = boot.page.map(|page| page.items).unwrap_or_default();
    view! {
        <main>
            <h1>{boot.room.map(|room| room.to_string())}</h1>
            {items.into_iter().map(|item| view! { <p>{item.message.clone()}</p> }).collect_view()}
        </main>
    }
}

/// Starts the application in the document that the server rendered.
#[cfg(feature = "hydrate")]
pub fn hydrate() {
    let boot = document()
        .get_element_by_id(boot::ELEMENT)
        .and_then(|element| element.text_content())
        .map(|text| Boot::read(&text))
        .unwrap_or_default();
    leptos::mount::hydrate_body(move || {
        provide_context(boot);
        view! { <App/> }
    });
}
