//! Which pages of the web may open a socket or read the API. Checked before the upgrade.

use crate::support::{Client, Server, http};

async fn upgrade(server: &Server, headers: &[(&'static str, &str)]) -> u16 {
    match Client::open_with(server.address, headers).await {
        Ok(_) => 101,
        Err((status, body)) => {
            assert!(
                status != 403 || body.contains("\"code\":\"forbidden\""),
                "{body}"
            );
            status
        }
    }
}

#[tokio::test]
async fn only_our_own_pages_and_programs_open_a_socket() {
    let server = Server::start().await;
    let (ip, port) = (server.address.ip(), server.address.port());
    let own = format!("http://{ip}:{port}");
    assert_eq!(
        upgrade(&server, &[]).await,
        101,
        "a program sends no origin"
    );
    assert_eq!(upgrade(&server, &[("origin", &own)]).await, 101);
    assert_eq!(
        upgrade(&server, &[("origin", &own.replace("http:", "https:"))]).await,
        101,
        "behind a proxy with TLS"
    );
    for evil in [
        "null".to_owned(),
        "".to_owned(),
        "https://evil.example".to_owned(),
        format!("http://{ip}"),
        format!("http://{ip}:{}", port - 1),
        format!("http://{ip}:{port}0"),
        format!("http://{ip}.evil.example:{port}"),
        format!("http://evil.example:{port}"),
        format!("http://{ip}:{port}@evil.example"),
        format!("http://localhost:{port}"),
        format!("ftp://{ip}:{port}"),
        format!("{ip}:{port}"),
        format!("{own}, {own}"),
        format!("{own}/ws evil"),
    ] {
        assert_eq!(
            upgrade(&server, &[("origin", &evil)]).await,
            403,
            "{evil:?}"
        );
    }
    assert_eq!(
        upgrade(
            &server,
            &[("origin", &own), ("origin", "https://evil.example")]
        )
        .await,
        403,
        "two origins"
    );
}

#[tokio::test]
async fn configured_origins_open_a_socket_and_no_others_that_look_like_them() {
    let server =
        Server::start_with(&["--allowed-origins=https://chat.example, http://friend.example:8080"])
            .await;
    for good in ["https://chat.example", "http://friend.example:8080"] {
        assert_eq!(upgrade(&server, &[("origin", good)]).await, 101, "{good}");
    }
    for evil in [
        "http://chat.example",
        "https://chat.example:8443",
        "https://chat.example.evil.example",
        "https://evilchat.example",
        "https://sub.chat.example",
        "http://friend.example",
        "https://chat.example/",
    ] {
        assert_eq!(upgrade(&server, &[("origin", evil)]).await, 403, "{evil}");
    }
}

#[tokio::test]
async fn configured_origins_and_no_others_may_read_the_api() {
    let server = Server::start_with(&[
        "--allowed-origins=https://chat.example",
        "--http-per-second=0",
    ])
    .await;
    let allowed = async |method: &str, path: &str, origin: &str| {
        let headers = [("origin", origin), ("access-control-request-method", "GET")];
        let answer = http::request(server.address, method, path, &headers).await;
        answer
            .header("access-control-allow-origin")
            .map(str::to_owned)
    };
    for path in [
        "/api/rooms",
        "/api/rooms/room1/messages",
        "/api/rooms/room9/messages",
    ] {
        assert_eq!(
            allowed("GET", path, "https://chat.example")
                .await
                .as_deref(),
            Some("https://chat.example"),
            "{path}"
        );
        assert_eq!(
            allowed("GET", path, "https://evil.example").await,
            None,
            "{path}"
        );
        assert_eq!(
            allowed("OPTIONS", path, "https://chat.example")
                .await
                .as_deref(),
            Some("https://chat.example"),
            "{path}"
        );
        assert_eq!(
            allowed("OPTIONS", path, "https://evil.example").await,
            None,
            "{path}"
        );
    }
    for path in ["/rooms/room1", "/healthz"] {
        assert_eq!(
            allowed("GET", path, "https://chat.example").await,
            None,
            "{path} is not the API"
        );
    }
    let plain = Server::start().await;
    let answer = http::request(
        plain.address,
        "GET",
        "/api/rooms",
        &[("origin", "https://evil.example")],
    )
    .await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn a_request_without_an_upgrade_is_told_so() {
    let server = Server::start().await;
    let answer = http::get(server.address, "/ws").await;
    assert!(matches!(answer.status, 400 | 426), "{}", answer.status);
}
