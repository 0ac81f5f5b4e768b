//! What the reader promises for any text, and what marks mean in examples.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

/// The characters that marks are made of; nothing else but white space may disappear.
const MARKS: &str = "*_~|`\\[]()>-+.";

/// The tree in a short form that is not HTML.
fn shown(text: &str) -> String {
    blocks_of(&read(text))
}

fn blocks_of(blocks: &[Block]) -> String {
    let blocks: Vec<String> = blocks
        .iter()
        .map(|block| match block {
            Block::Text(text) => inlines_of(text),
            Block::Quote(inside) => format!("quote[{}]", blocks_of(inside)),
            Block::List(items) => items.iter().fold(String::new(), |mut list, item| {
                let number = item.number.map(|number| number.to_string());
                let number = number.unwrap_or_else(|| "•".to_owned());
                write!(list, "{number}[{}]", blocks_of(&item.blocks)).unwrap();
                list
            }),
            Block::Code { language, text } => format!("code:{language}[{text}]"),
        })
        .collect();
    blocks.join("¶")
}

fn inlines_of(inlines: &[Inline]) -> String {
    inlines
        .iter()
        .map(|inline| match inline {
            Inline::Text(text) => text.clone(),
            Inline::Code(code) => format!("code[{code}]"),
            Inline::Styled(style, inside) => format!("{style:?}[{}]", inlines_of(inside)),
            Inline::Link { href, label, place } => match place {
                Some(place) => format!("link[{}]({href} at {place})", inlines_of(label)),
                None => format!("link[{href}]"),
            },
        })
        .collect()
}

/// Everything that a reader can see, and the addresses of labelled links where those stand.
fn visible(blocks: &[Block], into: &mut String) {
    for block in blocks {
        match block {
            Block::Text(text) => visible_inlines(text, into),
            Block::Quote(inside) => visible(inside, into),
            Block::List(items) => items.iter().for_each(|item| {
                let number = item.number.map(|number| number.to_string());
                into.push_str(&number.unwrap_or_default());
                visible(&item.blocks, into);
            }),
            Block::Code { language, text } => {
                into.push_str(language);
                into.push_str(text);
            }
        }
    }
}

fn visible_inlines(inlines: &[Inline], into: &mut String) {
    for inline in inlines {
        match inline {
            Inline::Text(text) | Inline::Code(text) => into.push_str(text),
            Inline::Styled(_, inside) => visible_inlines(inside, into),
            Inline::Link { href, label, place } => {
                visible_inlines(label, into);
                if place.is_some() {
                    into.push_str(href);
                }
            }
        }
    }
}

fn without_marks(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && !MARKS.contains(*c))
        .collect()
}

fn is_part_of(part: &str, whole: &str) -> bool {
    let mut whole = whole.chars();
    part.chars().all(|c| whole.any(|other| other == c))
}

fn depth(blocks: &[Block]) -> usize {
    let inner = blocks.iter().map(|block| match block {
        Block::Text(text) => inline_depth(text),
        Block::Quote(inside) => depth(inside),
        Block::List(items) => items
            .iter()
            .map(|item| depth(&item.blocks))
            .max()
            .unwrap_or(0),
        Block::Code { .. } => 0,
    });
    1 + inner.max().unwrap_or(0)
}

fn inline_depth(inlines: &[Inline]) -> usize {
    let inner = inlines.iter().map(|inline| match inline {
        Inline::Text(_) | Inline::Code(_) => 0,
        Inline::Styled(_, inside) => inline_depth(inside),
        Inline::Link { label, .. } => inline_depth(label),
    });
    1 + inner.max().unwrap_or(0)
}

fn hrefs(blocks: &[Block]) -> Vec<String> {
    fn of(inlines: &[Inline]) -> Vec<String> {
        let each = inlines.iter().flat_map(|inline| match inline {
            Inline::Text(_) | Inline::Code(_) => vec![],
            Inline::Styled(_, inside) => of(inside),
            Inline::Link { href, .. } => vec![href.clone()],
        });
        each.collect()
    }
    let each = blocks.iter().flat_map(|block| match block {
        Block::Text(text) => of(text),
        Block::Quote(inside) => hrefs(inside),
        Block::List(items) => items.iter().flat_map(|item| hrefs(&item.blocks)).collect(),
        Block::Code { .. } => vec![],
    });
    each.collect()
}

#[test]
fn marks_style_what_stands_between_them() {
    for (text, tree) in [
        ("**bold** and __bold__", "Bold[bold] and Bold[bold]"),
        ("*it* _it_ ~~no~~", "Italic[it] Italic[it] Struck[no]"),
        (
            "***both*** **a *b* c**",
            "Bold[Italic[both]] Bold[a Italic[b] c]",
        ),
        ("||the *end*||", "Spoiler[the Italic[end]]"),
        ("un*frigging*believable", "unItalic[frigging]believable"),
        ("**over\na line**", "Bold[over\na line]"),
    ] {
        assert_eq!(shown(text), tree, "{text}");
    }
}

#[test]
fn marks_without_a_partner_are_text() {
    for text in [
        "2 * 3 * 4",
        "snake_case_name and _start",
        "a || b || c",
        "**bold",
        "f****** and ~~~~ and ||||",
        "*not\n\nover an empty line*",
        "`",
        "``a`",
        "~one~ |one|",
        "> ",
        "-",
        "- ",
        "* * *",
        "-----",
        ">:( >_<",
        "```\nnever closed",
        "007. Bond",
        "1.5 is a number",
    ] {
        let tree = shown(text);
        // A quote of nothing is a quote.
        let wanted = if text == "> " { "quote[]" } else { text };
        assert_eq!(tree, wanted, "{text}");
    }
}

#[test]
fn what_is_no_feature_stays_as_it_was_typed() {
    for text in [
        "# A heading",
        "Also\n====",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "![alt](x.png)",
        "Word[^1]\n[^1]: note",
        "<b>not bold</b> <!-- seen --> <script>x</script>",
        "&lt;b&gt; &amp; &#60;",
        "    four spaces",
        "two  spaces,\ttab  ",
        "\\0 \\n C:\\dir \\\\server\\share",
        "[x](javascript:alert(1)) [x] (y) [](https://example.org",
        "¯\\_(ツ)_/¯",
    ] {
        let tree = shown(text).replace("link[https://example.org]", "https://example.org");
        assert_eq!(tree, text);
    }
}

#[test]
fn an_escaped_mark_is_a_character() {
    assert_eq!(shown("\\*not\\* \\`x\\` \\||y\\||"), "*not* `x` ||y||");
    assert_eq!(shown("\\> no quote\n\\- no list"), "> no quote\n- no list");
}

#[test]
fn code_is_left_alone() {
    for (text, tree) in [
        ("`**a**` and ``a`b``", "code[**a**] and code[a`b]"),
        ("`` ` ``", "code[`]"),
        (
            "```rust\nlet a = **b;\n\n  c\n```",
            "code:rust[let a = **b;\n\n  c]",
        ),
        ("```\na\nb```\nafter", "code:[a\nb]¶after"),
        ("```not a language\nb\n```", "code:[not a language\nb]"),
        ("```one line```", "code[one line]"),
        ("`https://example.org`", "code[https://example.org]"),
    ] {
        assert_eq!(shown(text), tree, "{text}");
    }
}

#[test]
fn quotes_and_lists_stand_in_each_other() {
    for (text, tree) in [
        ("> a\n> b\n\nc", "quote[a\nb]¶c"),
        (">> deep\n> less", "quote[quote[deep]¶less]"),
        ("a:\n- b\n- c\n  d\n  - e\n\n- f", "a:¶•[b]•[c\nd¶•[e]]•[f]"),
        ("3. c\n5. e", "3[c]5[e]"),
        ("- a\n1. b", "•[a]¶1[b]"),
        ("> - `a`\n> ```\n> b\n> ```", "quote[•[code[a]]¶code:[b]]"),
    ] {
        assert_eq!(shown(text), tree, "{text}");
    }
}

#[test]
fn a_labelled_link_shows_where_it_leads() {
    for (text, tree) in [
        (
            "[the **docs**](https://example.org/a_(b)?c=*d*)",
            "link[the Bold[docs]](https://example.org/a_(b)?c=*d* at example.org)",
        ),
        (
            "[https://bank.example](https://evil.example/)",
            "link[https://bank.example](https://evil.example/ at evil.example)",
        ),
        (
            "[mail](mailto:a@b.example)",
            "link[mail](mailto:a@b.example at a@b.example)",
        ),
        (
            "**https://example.org/a_b_c**",
            "Bold[link[https://example.org/a_b_c]]",
        ),
        (
            "||https://example.org||",
            "Spoiler[link[https://example.org]]",
        ),
        ("[a](ftp://example.org)", "[a](ftp://example.org)"),
        (
            "[a](https://example.org/<b>)",
            "[a](link[https://example.org/]<b>)",
        ),
    ] {
        assert_eq!(shown(text), tree, "{text}");
    }
}

#[test]
fn nothing_takes_long() {
    let started = std::time::Instant::now();
    for piece in [
        "*",
        "**a",
        "_a ",
        "`",
        "`` ` ",
        "[",
        "[a](",
        "[a](x",
        "> ",
        ">",
        "- ",
        "  ",
        "\n",
        "\n \n",
        "||a",
        "~~a",
        "*a_b**c__",
        "```\n",
        "1. ",
        "https://a)",
        "mailto:",
        ":",
        "\\",
        "- a\n  ",
        "> - ",
        "*a **b ",
        "👩‍🚀",
    ] {
        let text: String = piece.chars().cycle().take(5_000).collect();
        let blocks = read(&text);
        assert!(depth(&blocks) <= 2 * MAX_DEPTH + 8, "{piece}");
        let _ = is_only_emoji(&text);
    }
    // Milliseconds; a rule that goes over the text again and again would take minutes.
    assert!(started.elapsed().as_secs() < 10);
}

#[test]
fn a_few_emoji_are_only_emoji() {
    for text in [
        "🌙✨👩‍🚀🏳️‍🌈🇪🇺",
        "👍🏽",
        " ❤️ \n❤️‍🔥",
        "1️⃣#️⃣",
        "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
        "❤",
        "👨‍👩‍👧‍👦",
        "⌚",
        &"🌙".repeat(12),
    ] {
        assert!(is_only_emoji(text), "{text}");
    }
    for text in [
        "",
        " ",
        "1",
        "#",
        "a🌙",
        "🌙!",
        "→",
        "✓",
        "🇪",
        "漢字",
        "\u{200d}",
        "\u{fe0f}",
        &"🌙".repeat(13),
        &"🌙".repeat(5_000),
    ] {
        assert!(!is_only_emoji(text), "{text}");
    }
}

/// Any text, with more of what means something.
fn texts() -> impl Strategy<Value = String> {
    "(?s)(\\*{1,4}|_{1,3}|~~|\\|\\||`{1,4}|\\[a\\]\\(https://b\\)|https?://|mailto:a@b|[>\\-+] |[0-9]{1,3}\\. |\n|\n```|  |\\\\|[a-c .()<>&!\\[\\]]|\\PC|.){0,60}"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn everything_but_marks_is_kept_in_order_and_nothing_is_added(text in texts()) {
        let mut seen = String::new();
        visible(&read(&text), &mut seen);
        prop_assert_eq!(without_marks(&seen), without_marks(&text));
        prop_assert!(is_part_of(&seen, &text), "{:?} of {:?}", seen, text);
    }

    #[test]
    fn a_text_without_marks_is_itself(text in "(?s)([a-z \n\t<>&;/='\"!?,]|[^*_~|`\\\\\\[>\\-+0-9:]){0,60}") {
        prop_assume!(text.split('\n').all(|line| !line.starts_with('>')));
        let tree = read(&text);
        let wanted = Block::Text(if text.is_empty() { vec![] } else { vec![Inline::Text(text)] });
        prop_assert_eq!(tree, vec![wanted]);
    }

    #[test]
    fn every_address_has_one_of_three_schemes(text in texts()) {
        for href in hrefs(&read(&text)) {
            let href = href.to_ascii_lowercase();
            prop_assert!(["http://", "https://", "mailto:"].iter().any(|scheme| href.starts_with(scheme)), "{}", href);
            prop_assert!(!href.contains(char::is_whitespace));
        }
    }

    #[test]
    fn the_tree_is_never_deep(text in texts()) {
        prop_assert!(depth(&read(&text)) <= 2 * MAX_DEPTH + 8);
    }
}
