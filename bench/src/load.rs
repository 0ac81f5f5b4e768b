//! The figures: how late messages are, calm and while parts are away, how soon everything is as before, and how fast the
//! consumer stores. Without proxies; on release builds; the median of several runs. The checks run over the same messages
//! in the end.

use std::{path::Path, time::Duration};

use crate::{
    Failure,
    check::{FULL, Size},
    cluster::{Ground, Places, Shape},
    say,
};
use figures::Figures;

mod delivery;
mod figures;
mod hops;
mod rows;

/// Messages a second.
const RATE: f64 = 200.0;

/// Measures so many times and prints the medians; true when nothing was lost on the way.
///
/// # Errors
/// When the set-up fails.
pub async fn load(
    places: &Places,
    span: Duration,
    runs: usize,
    only: &str,
    out: &Path,
) -> Result<bool, Failure> {
    let asked = |name: &str| only.is_empty() || name.starts_with(only);
    let (mut held, mut all) = (true, Vec::new());
    for run in 1..=runs {
        say(format_args!(
            "run {run} of {runs}: {} rooms x {} readers over {} servers, {RATE} messages/s",
            FULL.rooms,
            FULL.clients / FULL.rooms,
            FULL.servers
        ));
        let folder = tempfile::Builder::new().prefix("sphere-load").tempdir()?;
        let mut ground =
            Ground::start(places, folder.path(), FULL.servers + FULL.consumers).await?;
        let mut figures = Figures::default();
        if asked("delivery") {
            held &= delivery::delivery(&mut ground, places, span, out, &mut figures).await?;
        }
        if asked("consumer") {
            rows::rows(&ground, places, &mut figures).await?;
        }
        figures.print();
        all.push(figures);
    }
    say(format_args!("median of {runs}\t{}", delivery::COLUMNS));
    Figures::medians(&all).print();
    Ok(held)
}

fn shape(places: &Places, name: &str, size: Size) -> Shape {
    Shape {
        name: format!("{name}_{}", uuid::Uuid::new_v4().simple()),
        binary: places.sphere.clone(),
        servers: size.servers,
        consumers: size.consumers,
        rooms: size.rooms,
        proxied: false,
        wrong: None,
    }
}
