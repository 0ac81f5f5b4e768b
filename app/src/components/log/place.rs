//! Where rows stand in the log, measured in the page. Changes nothing but, to bring a message into view, where the log
//! stands. Called by [`super::scroll`].

use std::fmt::Display;

use js_sys::Reflect;
use sphere_protocol::{MessageId, Seq};
use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlElement};

/// How far the log is scrolled down, with the fractions that a whole number of `scroll_top` hides.
pub(super) fn top(log: &HtmlElement) -> f64 {
    let top = Reflect::get(log, &"scrollTop".into()).ok();
    top.and_then(|top| top.as_f64()).unwrap_or_default()
}

/// How far the log can be scrolled down.
pub(super) fn lowest(log: &HtmlElement) -> f64 {
    f64::from(log.scroll_height() - log.client_height())
}

/// The width and height of what is in view, and the height of all there is.
pub(super) fn sizes(log: &HtmlElement) -> [i32; 3] {
    [log.client_width(), log.client_height(), log.scroll_height()]
}

/// The row of a message, if it is drawn.
pub(super) fn row(log: &HtmlElement, id: impl Display) -> Option<HtmlElement> {
    let row = log.query_selector(&format!("[data-id=\"{id}\"]"));
    row.ok().flatten()?.dyn_into().ok()
}

/// Brings a message to the middle; says whether it is there.
pub(super) fn aim(log: &HtmlElement, id: MessageId) -> bool {
    let Some(row) = row(log, id) else {
        return false;
    };
    let free = f64::from(log.client_height()) - row.get_bounding_client_rect().height();
    log.scroll_by_with_x_and_y(0.0, offset(&row, log) - (free / 2.0).max(0.0));
    true
}

/// The hole that is in view or nearer to it than `edge`, and whether it was reached from above.
pub(super) fn hole_in_view(log: &HtmlElement, edge: f64) -> Option<(Seq, bool)> {
    let holes = log.query_selector_all("[data-hole]").ok()?;
    let height = f64::from(log.client_height());
    (0..holes.length()).find_map(|index| {
        let hole = holes.item(index)?.dyn_into::<Element>().ok()?;
        let top = offset(&hole, log);
        let bottom = top + hole.get_bounding_client_rect().height();
        let near = bottom > -edge && top < height + edge;
        let after = hole.get_attribute("data-hole")?.parse().ok()?;
        near.then_some((after, top > height / 2.0))
    })
}

/// How far a row has moved that stood so far below the log's upper edge; none when it is not drawn any more.
pub(super) fn moved(log: &HtmlElement, id: &str, before: f64) -> Option<f64> {
    let row = row(log, id)?;
    Some(offset(&row, log) - before)
}

/// The first row that is whole in view, or else the first one in view, and its distance from the log's upper edge. Where a
/// hole is in the upper half, the row below it: the hole fills from there. Rows stand below each other, so it is found by
/// halving.
pub(super) fn first_in_view(log: &HtmlElement) -> Option<(String, f64)> {
    let height = f64::from(log.client_height());
    let top = log.get_bounding_client_rect().top();
    let children = log.last_element_child()?.children();
    let (mut low, mut high) = (0, children.length());
    while low < high {
        let middle = low + (high - low) / 2;
        if children.item(middle)?.get_bounding_client_rect().bottom() <= top {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let mut first = low;
    for index in low..children.length() {
        let line = children.item(index)?;
        if offset(&line, log) > height / 2.0 {
            break;
        }
        if line.has_attribute("data-hole") {
            first = index + 1;
        }
    }
    let mut rows = (first..children.length()).filter_map(|index| {
        let row = children.item(index)?;
        Some((row.get_attribute("data-id")?, offset(&row, log)))
    });
    let first = rows.next()?;
    if first.1 >= 0.0 {
        return Some(first);
    }
    let whole = rows.next().filter(|(_, offset)| *offset < height);
    Some(whole.unwrap_or(first))
}

fn offset(row: &Element, log: &HtmlElement) -> f64 {
    row.get_bounding_client_rect().top() - log.get_bounding_client_rect().top()
}
