//! All rooms: which one is shown, what is new elsewhere.

use leptos::prelude::*;
use sphere_protocol::{RoomName, limits::MAX_UNREAD};

use super::{icon::Icon, tile::Tile};
use crate::{
    app::Current,
    chat::{Chat, use_chat},
    state::list::Line,
};

/// So many characters of the last message are enough for one line.
const PREVIEW: usize = 100;

/// The list. Its links work without JavaScript.
#[component]
pub(crate) fn RoomList() -> impl IntoView {
    let chat = use_chat();
    view! {
        <ul>
            <For
                each=move || chat.rooms.get()
                key=|line| (line.room.clone(), line.title.clone())
                let(line)
            >
                <RoomLink room=line.room title=line.title/>
            </For>
        </ul>
    }
}

#[component]
fn RoomLink(room: RoomName, title: String) -> impl IntoView {
    let chat = use_chat();
    let Current(current) = expect_context::<Current>();
    let href = format!("/rooms/{room}");
    let tile = room.to_string();
    let name = room.clone();
    let is_current = move || current.with(|current| current.as_ref() == Some(&name));
    let line = {
        let room = room.clone();
        Memo::new(move |_| {
            chat.rooms
                .with(|rooms| rooms.iter().find(|line| line.room == room).cloned())
        })
    };
    let unread = Memo::new(move |_| line.with(|line| line.as_ref().and_then(badge)));
    let muted = {
        let room = room.clone();
        Memo::new(move |_| chat.muted.with(|muted| muted.contains(&room)))
    };
    let known = {
        let room = room.clone();
        Memo::new(move |_| {
            chat.marks
                .with(|marks| marks.iter().any(|mark| mark.room == room))
        })
    };
    let last = Memo::new(move |_| last(chat, &room));
    let time = move || {
        let at = line
            .with(|line| line.as_ref().and_then(|line| line.last_at))
            .filter(|_| known.get());
        at.map(
            |at| view! { <time datetime=at.to_string()>{Signal::derive(move || chat.zone.get().short(at))}</time> },
        )
    };
    view! {
        <li>
            <a
                class="room-link"
                class:unread=Signal::derive(move || unread.with(Option::is_some))
                class:muted=Signal::derive(move || muted.get())
                href=href
                aria-current=Signal::derive(move || is_current().then_some("page"))
            >
                <Tile room=tile/>
                <span class="name">
                    <span class="cut" dir="auto">{title}</span>
                    {move || muted.get().then(|| view! { <Icon name="muted" small=true/><span class="vh">", muted"</span> })}
                </span>
                {time}
                <span class="last cut" dir="auto">{last}</span>
                {move || unread.get().map(|badge| view! { <Badge badge muted=muted.get()/> })}
            </a>
        </li>
    }
}

/// How much is new: what the badge shows, and what it says.
pub(super) type Unread = (String, String);

/// The badge. That of a muted room is hollow.
#[component]
pub(super) fn Badge(badge: Unread, #[prop(optional)] muted: bool) -> impl IntoView {
    let (shown, said) = badge;
    let plain = shown.is_empty();
    view! {
        <span class="badge" class:plain=plain class:quiet=muted>
            <span aria-hidden="true">{shown}</span>
            <span class="vh">{said}</span>
        </span>
    }
}

/// What a room's badge shows, if it has one; a room that is not followed has a lower bound, or a dot.
pub(super) fn badge(line: &Line) -> Option<Unread> {
    match (line.unread, line.more) {
        (0, false) => None,
        (0, true) => Some((String::new(), "new messages".to_owned())),
        (MAX_UNREAD.., _) => Some(("99+".to_owned(), "more than 99 unread".to_owned())),
        (unread, true) => Some((format!("{unread}+"), format!("more than {unread} unread"))),
        (unread, false) => Some((unread.to_string(), format!("{unread} unread"))),
    }
}

/// The second line: how the last message begins, or when it was written.
fn last(chat: Chat, room: &RoomName) -> String {
    let begins = chat.marks.with(|marks| {
        let mark = marks.iter().find(|mark| mark.room == *room)?;
        let message = mark.message.as_ref()?;
        let who = if mark.mine { "You" } else { &message.user_name };
        let text: String = message.message.chars().take(PREVIEW).collect();
        Some(format!("{who}: {text}"))
    });
    let at = || {
        chat.rooms
            .with(|rooms| rooms.iter().find(|line| line.room == *room)?.last_at)
    };
    begins.unwrap_or_else(|| match at() {
        Some(at) => format!("Last message {}", chat.zone.get().short(at)),
        None => "Nothing here yet".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Boot, state::ChatState};
    use sphere_protocol::RoomSummary;

    fn line(unread: u32) -> Line {
        let summary = RoomSummary {
            room: "room1".into(),
            title: "General".to_owned(),
            epoch: 1,
            head: 1,
            last_at: None,
            unread: Some(unread),
        };
        let state = ChatState::from_boot(&Boot {
            rooms: vec![summary],
            ..Boot::default()
        });
        state.list().lines()[0].clone()
    }

    #[test]
    fn a_badge_is_exact_up_to_99() {
        let shown = |unread| badge(&line(unread)).map(|(shown, _)| shown);
        assert_eq!(shown(0), None);
        assert_eq!(shown(99), Some("99".to_owned()));
        assert_eq!(shown(100), Some("99+".to_owned()));
    }

    #[test]
    fn a_room_that_is_not_followed_gives_a_lower_bound() {
        let more = |unread| {
            let mut line = line(unread);
            line.more = true;
            badge(&line).map(|(shown, said)| format!("{shown}|{said}"))
        };
        assert_eq!(more(0), Some("|new messages".to_owned()));
        assert_eq!(more(3), Some("3+|more than 3 unread".to_owned()));
    }
}
