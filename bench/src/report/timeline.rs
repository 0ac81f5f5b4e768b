//! The run as a picture, second by second.

use std::fmt::Write as _;

use super::{Report, page::escape};
use crate::{
    clock::{milliseconds, seconds},
    history::Event,
    stats::permille,
};

const WIDTH: f64 = 1_160.0;
const HEIGHT: f64 = 150.0;
const LEFT: f64 = 60.0;

/// What happened within a second.
#[derive(Debug, Default, Clone)]
struct Second {
    sends: u64,
    acks: Vec<u64>,
    deliveries: Vec<u64>,
}

/// When the first message was sent.
pub(super) fn start(report: &Report) -> u64 {
    let clients = report.evidence.clients.iter();
    let starts = clients.flat_map(|events| events.iter().find_map(time));
    starts.min().unwrap_or_default()
}

fn by_second(report: &Report) -> Vec<Second> {
    let start = start(report);
    let mut all: Vec<Second> = Vec::new();
    let mut at = |t: u64| -> usize {
        let index = usize::try_from(t.saturating_sub(start) / 1_000_000_000).unwrap_or_default();
        if all.len() <= index {
            all.resize(index + 1, Second::default());
        }
        index
    };
    let mut marks: Vec<(usize, u8, u64)> = Vec::new();
    for events in &report.evidence.clients {
        let mut sent = std::collections::HashMap::new();
        for event in events {
            match event {
                Event::Send { t, cid, .. } => {
                    sent.entry(*cid).or_insert(*t);
                    marks.push((at(*t), 0, 0));
                }
                Event::Ack { t, cid, .. } => {
                    if let Some(sent) = sent.remove(cid) {
                        marks.push((at(sent), 1, t - sent));
                    }
                }
                Event::Recv { t, item } if item.shown => {
                    if let Some(said) = item.said {
                        marks.push((at(said.at), 2, t.saturating_sub(said.at)));
                    }
                }
                _ => {}
            }
        }
    }
    for (index, what, value) in marks {
        match what {
            0 => all[index].sends += 1,
            1 => all[index].acks.push(value),
            _ => all[index].deliveries.push(value),
        }
    }
    for second in &mut all {
        second.acks.sort_unstable();
        second.deliveries.sort_unstable();
    }
    all
}

fn time(event: &Event) -> Option<u64> {
    match event {
        Event::Send { t, .. } => Some(*t),
        _ => None,
    }
}

/// The picture: rate, delay of acknowledgements and of deliveries, with the faults as bands.
pub(super) fn timeline(html: &mut String, report: &Report) {
    let (start, all) = (start(report), by_second(report));
    let span = all.len().max(1) as f64;
    let x = |second: f64| LEFT + second / span * (WIDTH - LEFT);
    let charts = 3.0;
    let _ = write!(
        html,
        "<svg viewBox='0 0 {WIDTH} {}' role=img aria-label='Rate, delay of acknowledgements, delay of deliveries over time; faults are bands'>",
        charts * (HEIGHT + 40.0)
    );
    for (index, band) in report.bands.iter().enumerate() {
        let from = seconds(band.from.saturating_sub(start));
        let to = seconds(band.to.saturating_sub(start));
        let back = band
            .recovered
            .map_or(to + 10.0, |at| seconds(at.saturating_sub(start)));
        let height = charts * (HEIGHT + 40.0);
        let _ = write!(
            html,
            "<rect x='{:.1}' y='0' width='{:.1}' height='{height}' fill='#f4c7c3' opacity='.6'><title>{name}</title></rect>\
             <rect x='{:.1}' y='0' width='{:.1}' height='{height}' fill='#fbe8a6' opacity='.6'/>\
             <text x='{:.1}' y='12'>{}</text>",
            x(from),
            (x(to) - x(from)).max(1.0),
            x(to),
            (x(back) - x(to)).max(0.0),
            x(from) + 2.0,
            index + 1,
            name = escape(&band.name)
        );
    }
    let rates = |pick: &dyn Fn(&Second) -> f64| all.iter().map(pick).collect::<Vec<_>>();
    let late = |pick: fn(&Second) -> &Vec<u64>, share: usize| {
        all.iter()
            .map(|second| milliseconds(permille(pick(second), share)))
            .collect::<Vec<_>>()
    };
    chart(
        html,
        0.0,
        "sends (blue) and acks (green) of a second's messages",
        false,
        &[
            ("#1f6feb", rates(&|second| second.sends as f64)),
            ("#1a7f37", rates(&|second| second.acks.len() as f64)),
        ],
    );
    chart(
        html,
        1.0,
        "send to ack in ms: p50 (green), p99 (red), logarithmic",
        true,
        &[
            ("#1a7f37", late(|second| &second.acks, 500)),
            ("#b42318", late(|second| &second.acks, 990)),
        ],
    );
    chart(
        html,
        2.0,
        "written to read in ms: p50 (green), p99 (red), logarithmic",
        true,
        &[
            ("#1a7f37", late(|second| &second.deliveries, 500)),
            ("#b42318", late(|second| &second.deliveries, 990)),
        ],
    );
    html.push_str("</svg>");
}

fn chart(html: &mut String, row: f64, title: &str, logarithmic: bool, lines: &[(&str, Vec<f64>)]) {
    let top = row * (HEIGHT + 40.0) + 36.0;
    let largest = lines
        .iter()
        .flat_map(|(_, values)| values)
        .fold(1.0_f64, |a, b| a.max(*b));
    let scale = |value: f64| {
        if logarithmic {
            (1.0 + value).ln() / (1.0 + largest).ln()
        } else {
            value / largest
        }
    };
    let y = |value: f64| top + HEIGHT * (1.0 - scale(value));
    let _ = write!(html, "<text x='{LEFT}' y='{}'>{title}</text>", top - 4.0);
    let marks: Vec<f64> = if logarithmic {
        [1.0, 10.0, 100.0, 1_000.0, 10_000.0]
            .into_iter()
            .filter(|mark| *mark <= largest)
            .collect()
    } else {
        vec![0.0, (largest / 2.0).round(), largest.round()]
    };
    for mark in marks {
        let _ = write!(
            html,
            "<line x1='{LEFT}' x2='{WIDTH}' y1='{y:.1}' y2='{y:.1}' stroke='#ddd'/><text x='{:.0}' y='{:.1}' text-anchor='end'>{mark}</text>",
            LEFT - 6.0,
            y(mark) + 4.0,
            y = y(mark)
        );
    }
    for (colour, values) in lines {
        let points: Vec<String> = values
            .iter()
            .enumerate()
            .map(|(second, value)| {
                let x = LEFT + second as f64 / values.len().max(1) as f64 * (WIDTH - LEFT);
                format!("{x:.1},{:.1}", y(*value))
            })
            .collect();
        let _ = write!(
            html,
            "<polyline fill='none' stroke='{colour}' stroke-width='1.5' points='{}'/>",
            points.join(" ")
        );
    }
}
