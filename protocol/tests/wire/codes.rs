//! Codes are stable: clients decide by them. Their texts may change.

use sphere_protocol::{CloseCode, Code};

const CODES: [Code; 15] = [
    Code::Blank,
    Code::TooLong,
    Code::BadName,
    Code::UnknownRoom,
    Code::UnknownMessage,
    Code::Forbidden,
    Code::RateLimited,
    Code::Unavailable,
    Code::OutcomeUnknown,
    Code::IdentityRequired,
    Code::IdentityRefused,
    Code::BadFrame,
    Code::UnknownEvent,
    Code::UnsupportedVersion,
    Code::ShuttingDown,
];

#[test]
fn codes_are_called_so() {
    let names: Vec<String> = CODES
        .iter()
        .map(|code| serde_json::to_string(code).unwrap())
        .collect();
    insta::assert_snapshot!(names.join("\n"));
}

#[test]
fn every_code_has_one_sentence_for_people() {
    for code in CODES {
        let text = code.text();
        assert!(
            text.ends_with('.') && text.chars().next().is_some_and(char::is_uppercase),
            "{text}"
        );
    }
}

#[test]
fn close_codes_have_these_numbers() {
    let codes = [
        CloseCode::Silence,
        CloseCode::Protocol,
        CloseCode::NotUtf8,
        CloseCode::TooBig,
        CloseCode::Restart,
        CloseCode::BadFrames,
        CloseCode::Identity,
        CloseCode::UnsupportedVersion,
        CloseCode::NoHello,
        CloseCode::TooManyConnections,
        CloseCode::SlowReader,
    ];
    let lines: Vec<String> = codes
        .iter()
        .map(|code| format!("{} {}", *code as u16, code.reason()))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
    // A close frame carries at most 123 bytes of reason.
    assert!(codes.iter().all(|code| code.reason().len() <= 123));
}
