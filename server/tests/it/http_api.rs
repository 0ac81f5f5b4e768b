//! The read API and the two questions that machines ask.

use serde_json::json;

use crate::support::{Client, Person, Server, http};

#[tokio::test]
async fn the_list_of_rooms_is_that_of_welcome_without_unread_counts() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &[]).await;
    let ack = ada.say("room2", "Hello").await;
    let list = http::get(server.address, "/api/rooms").await;
    assert_eq!(list.status, 200);
    let (_, mut welcome) = Client::hello(server.address, json!({"v": 1})).await;
    for room in welcome["rooms"].as_array_mut().unwrap() {
        room.as_object_mut().unwrap().remove("unread").unwrap();
    }
    assert_eq!(list.json(), json!({"rooms": welcome["rooms"]}));
    assert_eq!(
        (
            &list.json()["rooms"][1]["head"],
            &list.json()["rooms"][1]["lastAt"]
        ),
        (&ack["seq"], &ack["createdAt"])
    );
}

#[tokio::test]
async fn errors_of_the_api_are_a_code_and_a_sentence() {
    let server = Server::start().await;
    let id = "00000000-0000-8000-8000-000000000000";
    for (path, status, code) in [
        ("/api/rooms/room9/messages".to_owned(), 404, "unknown_room"),
        ("/api/rooms/ROOM1/messages".to_owned(), 404, "unknown_room"),
        (
            "/api/rooms/%F0%9F%99%82/messages".to_owned(),
            404,
            "unknown_room",
        ),
        (
            format!("/api/rooms/room1/messages?around={id}"),
            404,
            "unknown_message",
        ),
        ("/api/nothing".to_owned(), 404, "unknown_event"),
        ("/api/rooms/room1".to_owned(), 404, "unknown_event"),
        (
            "/api/rooms/room1/messages?after=1&before=2".to_owned(),
            400,
            "bad_frame",
        ),
        (
            format!("/api/rooms/room1/messages?after=1&around={id}"),
            400,
            "bad_frame",
        ),
        (
            "/api/rooms/room1/messages?records=true".to_owned(),
            400,
            "bad_frame",
        ),
        (
            "/api/rooms/room1/messages?before=1&records=true".to_owned(),
            400,
            "bad_frame",
        ),
        (
            "/api/rooms/room1/messages?after=1.0".to_owned(),
            400,
            "bad_frame",
        ),
        (
            "/api/rooms/room1/messages?after=x".to_owned(),
            400,
            "bad_frame",
        ),
        (
            "/api/rooms/room1/messages?after=".to_owned(),
            400,
            "bad_frame",
        ),
        (
            "/api/rooms/room1/messages?after=1&after=2".to_owned(),
            400,
            "bad_frame",
        ),
        (
            "/api/rooms/room1/messages?limit=-1".to_owned(),
            400,
            "bad_frame",
        ),
        (
            "/api/rooms/room1/messages?around=1".to_owned(),
            400,
            "bad_frame",
        ),
        (
            "/api/rooms/room1/messages?page=2".to_owned(),
            400,
            "bad_frame",
        ),
        ("/api/rooms/%FF/messages".to_owned(), 400, "bad_frame"),
    ] {
        let answer = http::get(server.address, &path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert!(
            answer
                .header("content-type")
                .is_some_and(|kind| kind.starts_with("application/json")),
            "{path}: {}",
            answer.text()
        );
        let body = answer.json();
        assert_eq!(body["code"], code, "{path}");
        assert!(
            body["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{path}"
        );
        assert_eq!(body.as_object().unwrap().len(), 2, "{path}: {body}");
    }
}

#[tokio::test]
async fn the_api_only_reads() {
    let server = Server::start().await;
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        for path in [
            "/api/rooms",
            "/api/rooms/room1/messages",
            "/rooms/room1",
            "/healthz",
            "/",
        ] {
            let answer =
                http::request(server.address, method, path, &[("content-length", "0")]).await;
            assert_eq!(answer.status, 405, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_head_request_has_the_headers_and_no_body() {
    let server = Server::start().await;
    for path in ["/api/rooms", "/healthz", "/rooms/room1"] {
        let answer = http::request(server.address, "HEAD", path, &[]).await;
        assert_eq!((answer.status, answer.body.len()), (200, 0), "{path}");
    }
}

#[tokio::test]
async fn healthz_says_how_every_part_is_and_readyz_whether_readers_are_wanted() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &[]).await;
    ada.say("room2", "Hello").await;
    let health = http::get(server.address, "/healthz").await;
    assert_eq!(health.status, 200);
    let health = health.json();
    assert_eq!(
        (
            &health["ready"],
            &health["log"],
            &health["bus"],
            &health["store"],
            &health["sockets"]
        ),
        (
            &json!(true),
            &json!("up"),
            &json!("up"),
            &json!("up"),
            &json!(1)
        )
    );
    let partitions = health["partitions"].as_array().unwrap();
    assert_eq!(partitions.len(), 4);
    assert_eq!(
        (
            &partitions[1]["partition"],
            &partitions[1]["end"],
            &partitions[1]["feed"]
        ),
        (&json!(1), &json!(1), &json!(1))
    );
    let ready = http::get(server.address, "/readyz").await;
    assert_eq!((ready.status, ready.text()), (200, "ready\n".to_owned()));
}
