//! The page: one file without anything from elsewhere, with the run as a picture.

use std::fmt::Write as _;

use super::{
    Report,
    timeline::{start, timeline},
};
use crate::{
    clock::{milliseconds, seconds},
    stats::permille,
    verify::Check,
};

/// Longest list of anomalies per check.
const MOST: usize = 50;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:78rem;padding:0 1rem;color:#1c1c1c;background:#fff}\
table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #ccc;padding:.25rem .6rem;text-align:left;vertical-align:top}\
svg{width:100%;height:auto}svg text{font:11px system-ui,sans-serif;fill:#444}.ok{color:#116329}.bad{color:#b42318;font-weight:600}";

/// The report as HTML.
pub fn page(report: &Report) -> String {
    let mut html = String::new();
    let verdict = if report.passed() {
        ("ok", "passed")
    } else {
        ("bad", "failed")
    };
    // Writing to a string cannot fail.
    let _ = write!(
        html,
        "<!doctype html><html lang=en><meta charset=utf-8><title>Sphere: the check of seed {seed}</title><style>{STYLE}</style>\
         <h1>The check of seed {seed}: <span class={}>{}</span></h1>",
        verdict.0,
        verdict.1,
        seed = report.seed
    );
    for shortfall in report.shortfalls() {
        let _ = write!(
            html,
            "<p class=bad>It counts for nothing: {}.</p>",
            escape(&shortfall)
        );
    }
    timeline(&mut html, report);
    faults(&mut html, report);
    checks(&mut html, report);
    counts(&mut html, report);
    html.push_str("</html>\n");
    html
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn faults(html: &mut String, report: &Report) {
    html.push_str("<h2>Faults</h2><table><tr><th><th>fault<th>began<th>lasted<th>as before after<th>done</tr>");
    let start = start(report);
    for (index, band) in report.bands.iter().enumerate() {
        let back = band
            .recovered
            .map_or("<span class=bad>not within 10 s</span>".to_owned(), |at| {
                format!("{:.1} s", seconds(at.saturating_sub(band.to)))
            });
        let _ = write!(
            html,
            "<tr><td>{}<td>{}<td>{:.1} s<td>{:.1} s<td>{back}<td>{}</tr>",
            index + 1,
            escape(&band.name),
            seconds(band.from.saturating_sub(start)),
            seconds(band.to - band.from),
            if band.applied {
                "yes"
            } else {
                "<span class=bad>no</span>"
            }
        );
    }
    html.push_str("</table>");
}

fn checks(html: &mut String, report: &Report) {
    html.push_str("<h2>Checks</h2><table><tr><th>check<th>what must hold<th>result</tr>");
    for check in Check::ALL {
        let found: Vec<_> = report.of(check).collect();
        let _ = write!(html, "<tr><td>{check:?}<td>{}<td>", check.rule());
        if found.is_empty() {
            html.push_str("<span class=ok>holds</span>");
        } else {
            let _ = write!(html, "<span class=bad>{} anomalies</span><ul>", found.len());
            for anomaly in found.iter().take(MOST) {
                let _ = write!(
                    html,
                    "<li><b>{}</b>: {}",
                    anomaly.name,
                    escape(&anomaly.what)
                );
            }
            html.push_str("</ul>");
        }
        html.push_str("</tr>");
    }
    html.push_str("</table>");
}

fn counts(html: &mut String, report: &Report) {
    let counts = report.counts;
    let delays = report.delays();
    let at = |delays: &[u64], share| format!("{:.1} ms", milliseconds(permille(delays, share)));
    html.push_str("<h2>Counts</h2><table>");
    for (name, value) in [
        (
            "rounds of faults done",
            format!("{} of {}", report.applied, report.planned),
        ),
        ("messages written", counts.written.to_string()),
        ("attempts to send", counts.attempts.to_string()),
        ("messages acknowledged", counts.acked.to_string()),
        ("refused for now", counts.nacks.to_string()),
        ("repeats in the log", counts.voids.to_string()),
        ("records told to clients", counts.seen.to_string()),
        ("messages on screens", counts.shown.to_string()),
        ("connections", counts.connections.to_string()),
        ("resets", counts.resets.to_string()),
        ("questions to other servers", counts.probes.to_string()),
        ("rows in the store", report.evidence.store.len().to_string()),
        ("records in the log", report.evidence.log.len().to_string()),
        ("send to ack, p50", at(&delays.acks, 500)),
        ("send to ack, p99", at(&delays.acks, 990)),
        ("written to read, p50", at(&delays.deliveries, 500)),
        ("written to read, p99", at(&delays.deliveries, 990)),
    ] {
        let _ = write!(html, "<tr><th>{name}<td>{value}</tr>");
    }
    html.push_str("</table>");
}
