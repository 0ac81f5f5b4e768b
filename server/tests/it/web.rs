//! Pages, pictures, and the headers that every answer has.

use crate::support::{Client, Person, Server, http, http::Answer};

const SCRIPT_FREE: &str = "default-src 'none'; script-src 'none'; style-src 'self'";

/// The directives of the answer's policy.
fn policy(answer: &Answer) -> Vec<String> {
    let policy = answer.header("content-security-policy").expect("a policy");
    policy
        .split(';')
        .map(|directive| directive.trim().to_owned())
        .collect()
}

/// The nonce of a page's policy.
fn nonce(answer: &Answer) -> String {
    let policy = answer.header("content-security-policy").unwrap();
    let start = policy.find("'nonce-").expect("a nonce") + 7;
    policy[start..].split('\'').next().unwrap().to_owned()
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let server = Server::start_with(&[]).await;
    let mut answers = Vec::new();
    for (method, path, status) in [
        ("GET", "/", 307),
        ("GET", "/rooms/room1", 200),
        ("GET", "/rooms/room9", 404),
        ("GET", "/rooms/", 404),
        ("GET", "/nothing", 404),
        ("GET", "/../../etc/passwd", 404),
        ("GET", "/pkg/0000000000000000/nothing.js", 404),
        ("GET", "/pkg/sphere.wasm", 404),
        ("GET", "/avatar/anon_1737708000000_k3j9d8f2a.svg", 200),
        ("GET", "/avatar/nobody.png", 404),
        ("GET", "/healthz", 200),
        ("GET", "/readyz", 200),
        ("GET", "/api/rooms", 200),
        ("GET", "/api/rooms/room1/messages", 200),
        ("GET", "/api/rooms/room9/messages", 404),
        ("GET", "/api/rooms/room1/messages?page=2", 400),
        ("GET", "/api/nothing", 404),
        ("POST", "/api/rooms", 405),
        ("POST", "/", 405),
    ] {
        let answer = http::request(server.address, method, path, &[]).await;
        assert_eq!(answer.status, status, "{method} {path}");
        answers.push((format!("{method} {path}"), answer));
    }
    answers.push(("GET /ws".to_owned(), http::get(server.address, "/ws").await));
    let upgrade = [
        ("origin", "https://evil.example"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA=="),
    ];
    answers.push((
        "a foreign upgrade".to_owned(),
        http::request(server.address, "GET", "/ws", &upgrade).await,
    ));
    for _ in 0..60 {
        let answer = http::get(server.address, "/api/rooms").await;
        if answer.status == 429 {
            answers.push(("too many requests".to_owned(), answer));
            break;
        }
    }
    assert_eq!(answers.last().unwrap().1.status, 429);
    for (what, answer) in &answers {
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{what}"
        );
        assert_eq!(
            answer.header("referrer-policy"),
            Some("no-referrer"),
            "{what}"
        );
        assert_eq!(
            answer.header("cross-origin-opener-policy"),
            Some("same-origin"),
            "{what}"
        );
        let permissions = answer.header("permissions-policy").unwrap_or_default();
        for closed in ["camera=()", "microphone=()", "geolocation=()", "payment=()"] {
            assert!(permissions.contains(closed), "{what}: {permissions}");
        }
        let policy = policy(answer);
        assert!(
            policy.contains(&"default-src 'none'".to_owned()),
            "{what}: {policy:?}"
        );
        let unsafe_words = [
            "'unsafe-inline'",
            "'unsafe-eval'",
            "*",
            "http:",
            "https:",
            "blob:",
        ];
        let allowed = |word: &&str| {
            policy
                .iter()
                .any(|directive| directive.split(' ').any(|part| part == *word))
        };
        assert!(!unsafe_words.iter().any(allowed), "{what}: {policy:?}");
    }
}

#[tokio::test]
async fn a_page_runs_scripts_with_its_own_nonce_only_and_no_two_have_the_same() {
    let server = Server::start().await;
    let mut nonces = std::collections::BTreeSet::new();
    for path in [
        "/rooms/room1",
        "/rooms/room1",
        "/rooms/room2",
        "/rooms/room9",
        "/nothing",
    ] {
        let answer = http::get(server.address, path).await;
        let nonce = nonce(&answer);
        assert!(nonce.len() >= 20, "{nonce}");
        for directive in [
            format!("script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'"),
            format!("style-src 'self' 'nonce-{nonce}'"),
            "img-src 'self' data:".to_owned(),
            "connect-src 'self'".to_owned(),
            "font-src 'self'".to_owned(),
            "manifest-src 'self'".to_owned(),
            "worker-src 'self'".to_owned(),
            "base-uri 'none'".to_owned(),
            "form-action 'self'".to_owned(),
            "frame-ancestors 'none'".to_owned(),
        ] {
            assert!(
                policy(&answer).contains(&directive),
                "{path}: {directive} in {:?}",
                policy(&answer)
            );
        }
        let html = answer.text();
        for script in html.split("<script").skip(1) {
            let tag = script.split('>').next().unwrap();
            let data = tag.contains("application/json");
            assert!(
                data || tag.contains(&format!("nonce=\"{nonce}\"")),
                "{path}: <script{tag}>"
            );
        }
        assert!(
            !html.contains(" style=\"") && !html.contains(" onclick="),
            "nothing inline that the policy would block"
        );
        assert_eq!(
            answer.header("cache-control"),
            Some("no-store"),
            "a nonce is not to be kept"
        );
        assert!(
            answer
                .header("content-type")
                .unwrap()
                .starts_with("text/html")
        );
        nonces.insert(nonce);
    }
    assert_eq!(nonces.len(), 5);
}

#[tokio::test]
async fn what_is_not_a_page_runs_no_script_at_all() {
    let server = Server::start().await;
    for path in [
        "/healthz",
        "/readyz",
        "/api/rooms",
        "/api/nothing",
        "/pkg/0/nothing.js",
        "/ws",
    ] {
        let answer = http::get(server.address, path).await;
        let policy = answer
            .header("content-security-policy")
            .unwrap()
            .replace("  ", " ")
            .replace(" ;", ";");
        assert!(policy.starts_with(SCRIPT_FREE), "{path}: {policy}");
    }
}

#[tokio::test]
async fn the_front_door_leads_to_the_room_that_was_shown_last_or_to_the_first() {
    let server = Server::start().await;
    for (cookie, room) in [
        (None, "/rooms/room1"),
        (Some("room=room3"), "/rooms/room3"),
        (Some("a=b; room=room2; c=d"), "/rooms/room2"),
        (Some("room=room9"), "/rooms/room1"),
        (Some("room=//evil.example"), "/rooms/room1"),
        (Some("room="), "/rooms/room1"),
        (Some("bedroom=room2"), "/rooms/room1"),
    ] {
        let headers: Vec<_> = cookie.iter().map(|cookie| ("cookie", *cookie)).collect();
        let answer = http::request(server.address, "GET", "/", &headers).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (307, Some(room)),
            "{cookie:?}"
        );
    }
}

#[tokio::test]
async fn a_room_is_readable_without_a_script_and_its_text_stays_text() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("<i>Ada</i>"), &[]).await;
    ada.say("room1", "plain words of Ada").await;
    ada.say("room1", "<script>alert('x')</script></script><!--")
        .await;
    ada.say("room2", "words of another room").await;
    let html = http::get(server.address, "/rooms/room1").await.text();
    assert!(html.contains("plain words of Ada"));
    assert!(!html.contains("words of another room"));
    assert!(
        !html.contains("<script>alert") && !html.contains("<i>Ada"),
        "text must never become HTML"
    );
    assert!(
        !html.contains("<template"),
        "nothing waits for a script to unfold it"
    );
}

#[tokio::test]
async fn a_picture_is_drawn_from_the_id_and_is_the_same_for_ever() {
    let server = Server::start().await;
    let picture = http::get(server.address, "/avatar/anon_1737708000000_k3j9d8f2a.svg").await;
    assert_eq!(
        (picture.status, picture.header("content-type")),
        (200, Some("image/svg+xml"))
    );
    assert_eq!(
        picture.header("content-security-policy"),
        Some("default-src 'none'; sandbox"),
        "also when it is opened on its own"
    );
    assert!(
        picture
            .header("cache-control")
            .unwrap()
            .contains("immutable")
    );
    assert!(
        picture.text().starts_with("<svg")
            && picture
                .text()
                .contains("xmlns=\"http://www.w3.org/2000/svg\"")
    );
    assert!(!picture.text().contains("script") && !picture.text().contains("anon_"));
    let again = http::get(server.address, "/avatar/anon_1737708000000_k3j9d8f2a.svg").await;
    assert_eq!(picture.body, again.body);
    let other = http::get(server.address, "/avatar/anon_1737708000000_aaaaaaaaa.svg").await;
    assert_ne!(picture.body, other.body);
    for bad in [
        "/avatar/.svg",
        "/avatar/x",
        "/avatar/x.svg/y",
        "/avatar/",
        &format!("/avatar/{}.svg", "x".repeat(65)),
    ] {
        assert_eq!(http::get(server.address, bad).await.status, 404, "{bad}");
    }
}
