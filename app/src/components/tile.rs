//! A room's picture: four quarters in one ink on a square, drawn from its name alone.

use leptos::{either::Either, prelude::*};
use sphere_protocol::avatar::{Avatar, Quarter, Shape};

/// The picture of a room.
#[component]
pub(crate) fn Tile(room: String) -> impl IntoView {
    let quarters = Avatar::of(&room).quarters.map(draw).collect_view();
    view! {
        <span class="tile">
            <svg viewBox="-10 -10 60 60" fill="currentColor" aria-hidden="true">
                {quarters}
            </svg>
        </span>
    }
}

fn draw(quarter: Quarter) -> impl IntoView {
    match quarter.shape {
        Shape::Path { d, .. } => {
            Either::Left(view! { <path d=d transform=quarter.transform()></path> })
        }
        Shape::Dot { radius } => {
            let (x, y) = ((quarter.x + 10).to_string(), (quarter.y + 10).to_string());
            Either::Right(view! { <circle cx=x cy=y r=radius></circle> })
        }
    }
}
