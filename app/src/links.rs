//! Finds the links in a text: http, https and mailto.
//!
//! Text in, spans out; put together again the spans are exactly the text. Only these three schemes become links, so
//! nothing that somebody writes can run. Called by `format`, on the server and in the browser.

/// A piece of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span<'a> {
    /// Just text.
    Text(&'a str),
    /// A link to a page: text and address at once.
    Web(&'a str),
    /// A link that opens the reader's mail program.
    Mail(&'a str),
}

/// A link in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// Where it begins.
    pub(crate) start: usize,
    /// How long it is.
    pub(crate) length: usize,
    /// Whether it is a mail address.
    pub(crate) mail: bool,
}

/// Splits a text into plain pieces and links.
pub fn spans(text: &str) -> Vec<Span<'_>> {
    let mut spans = Vec::new();
    let mut plain = 0;
    let mut from = 0;
    while let Some(Found {
        start,
        length,
        mail,
    }) = next_link(text, from)
    {
        if plain < start {
            spans.push(Span::Text(&text[plain..start]));
        }
        let link = &text[start..start + length];
        spans.push(if mail {
            Span::Mail(link)
        } else {
            Span::Web(link)
        });
        from = start + length;
        plain = from;
    }
    if plain < text.len() {
        spans.push(Span::Text(&text[plain..]));
    }
    spans
}

/// Where a link leads, for people to read: the host of a page, the address of a mail. Whoever writes a link chooses its
/// label, but not this.
pub(crate) fn place(link: &str) -> &str {
    let (_, rest) = link.split_once(':').unwrap_or_default();
    let Some(rest) = rest.strip_prefix("//") else {
        return rest.split('?').next().unwrap_or_default();
    };
    let host = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    // What stands before an @ is a name for that host, and the oldest trick to look like another one.
    host.rsplit('@').next().unwrap_or_default()
}

/// Whether a text as a whole is the address of a link. Where it ends is known here, so it may end with punctuation.
pub(crate) fn is_link(text: &str) -> bool {
    let rest = next_link(text, 0)
        .filter(|link| link.start == 0)
        .and_then(|link| text.get(link.length..));
    rest.is_some_and(|rest| rest.chars().all(|c| ".,;:!?'*_~|)]".contains(c)))
}

/// The first link at or after `from`.
pub(crate) fn next_link(text: &str, from: usize) -> Option<Found> {
    let mut at = from;
    while let Some(found) = text[at..].find(':') {
        let colon = at + found;
        let scheme = scheme_before(&text[from..colon]);
        if let Some(scheme) = scheme {
            let (mark, mail) = if scheme.eq_ignore_ascii_case("mailto") {
                (":", true)
            } else {
                ("://", false)
            };
            let start = colon - scheme.len();
            if text[colon..].starts_with(mark) {
                let body = colon + mark.len();
                let length = body_length(&text[body..]);
                let address = &text[body..body + length];
                let good = if mail {
                    is_address(address)
                } else {
                    address.starts_with(is_host_start)
                };
                if good {
                    return Some(Found {
                        start,
                        length: body - start + length,
                        mail,
                    });
                }
            }
        }
        at = colon + 1;
    }
    None
}

/// The scheme that a text ends with, if it is one of ours and stands on its own.
fn scheme_before(text: &str) -> Option<&str> {
    ["https", "http", "mailto"].into_iter().find_map(|scheme| {
        let start = text.len().checked_sub(scheme.len())?;
        let tail = text.get(start..)?;
        let alone = text[..start]
            .chars()
            .next_back()
            .is_none_or(|c| !c.is_alphanumeric());
        (alone && tail.eq_ignore_ascii_case(scheme)).then_some(tail)
    })
}

fn is_host_start(c: char) -> bool {
    c.is_alphanumeric() || c == '['
}

fn is_address(text: &str) -> bool {
    let address = text.split('?').next().unwrap_or_default();
    address
        .split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
}

/// How much of a text belongs to a link: up to white space, without the punctuation that ends the sentence around it.
fn body_length(text: &str) -> usize {
    let end = text
        .find(|c: char| c.is_whitespace() || c.is_control() || "<>\"“”«»`".contains(c))
        .unwrap_or(text.len());
    let mut body = &text[..end];
    while let Some(last) = body.chars().next_back() {
        let drop = match last {
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '_' | '~' | '|' => true,
            ')' => unbalanced(body, '(', ')'),
            ']' => unbalanced(body, '[', ']'),
            _ => false,
        };
        if !drop {
            break;
        }
        body = &body[..body.len() - last.len_utf8()];
    }
    body.len()
}

fn unbalanced(text: &str, open: char, close: char) -> bool {
    text.matches(close).count() > text.matches(open).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn links(text: &str) -> Vec<&str> {
        let link = |span| match span {
            Span::Web(link) | Span::Mail(link) => Some(link),
            Span::Text(_) => None,
        };
        spans(text).into_iter().filter_map(link).collect()
    }

    #[test]
    fn a_sentence_keeps_its_punctuation() {
        assert_eq!(
            links("See https://example.org/a?b=c#d."),
            ["https://example.org/a?b=c#d"]
        );
        assert_eq!(
            links("(http://example.org/a_(b))"),
            ["http://example.org/a_(b)"]
        );
        assert_eq!(
            links("«https://example.org», HTTP://X.org!"),
            ["https://example.org", "HTTP://X.org"]
        );
        assert_eq!(
            links("http://[::1]:3000/rooms"),
            ["http://[::1]:3000/rooms"]
        );
    }

    #[test]
    fn the_place_is_where_a_link_leads() {
        for (link, at) in [
            ("https://example.org/a?b#c", "example.org"),
            (
                "http://bank.example@evil.example:8080/",
                "evil.example:8080",
            ),
            ("https://evil.example\\@bank.example", "evil.example"),
            ("https://evil.example?@bank.example", "evil.example"),
            ("mailto:ada@example.org?subject=x", "ada@example.org"),
        ] {
            assert_eq!(place(link), at);
        }
    }

    #[test]
    fn mail_addresses_need_the_scheme() {
        assert_eq!(
            links("mailto:ada@example.org, ada@example.org"),
            ["mailto:ada@example.org"]
        );
        assert_eq!(links("mailto: nobody"), Vec::<&str>::new());
    }

    #[test]
    fn no_other_scheme_is_a_link() {
        for text in [
            "javascript:alert(1)",
            "data:text/html,x",
            "xhttps://example.org",
            "https://",
            "https:///x",
            "http:example.org",
            "file:///etc",
        ] {
            assert_eq!(links(text), Vec::<&str>::new(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn spans_put_together_are_the_text(text in "(?s)(https?://|mailto:|[a-z.@/:()\\[\\] ]|\\PC|.){0,60}") {
            let joined: String = spans(&text).into_iter().map(|span| match span {
                Span::Text(text) | Span::Web(text) | Span::Mail(text) => text,
            }).collect();
            prop_assert_eq!(joined, text);
        }

        #[test]
        fn every_link_begins_with_one_of_three_schemes(text in "(?s)(https?://|mailto:|javascript:|[a-z@:/]|.){0,40}") {
            for link in links(&text) {
                let link = link.to_ascii_lowercase();
                prop_assert!(["http://", "https://", "mailto:"].iter().any(|scheme| link.starts_with(scheme)));
            }
        }
    }
}
