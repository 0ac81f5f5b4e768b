//! Pages of older messages, for who reads without JavaScript and for search engines: `/rooms/{room}?before={seq}`.

use axum::{extract::Query, http::Uri};
use serde::Deserialize;
use sphere_app::Archive;
use sphere_protocol::{Page, Seq};

use crate::{
    history::{Ask, Request},
    rooms::Room,
    state::AppState,
};

#[derive(Debug, Deserialize)]
struct Part {
    before: Option<Seq>,
}

/// The page that the address asks for, and its neighbours. None when it asks for none, when nothing stands there, or when
/// it cannot be read now: then the newest page is shown.
pub async fn find(state: &AppState, room: &Room, uri: &Uri) -> Option<(Page, Archive)> {
    let Query(part) = Query::<Part>::try_from_uri(uri).ok()?;
    let before = part.before?;
    let read = async |ask| {
        let request = Request {
            ask,
            epoch: None,
            limit: None,
        };
        state.history.page(room, request).await.ok()
    };
    let mut page = read(Ask::Before(before)).await?;
    let last = page.items.last()?.seq;
    let after = read(Ask::Records(last)).await?;
    let newer = after
        .more
        .then(|| after.items.last().map(|item| item.seq + 1))
        .flatten();
    // It is shown as it stands, like a newest page.
    page.before = None;
    Some((page, Archive { before, newer }))
}
