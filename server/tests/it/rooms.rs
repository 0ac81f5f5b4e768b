//! `sphere room delete` on one machine: the log has one writer, so the server must be stopped for it.

use std::path::Path;

use crate::support::{Client, Person, Server, files, http, process::output};

async fn delete(folder: &Path, room: &str) -> (bool, String) {
    let data = format!("--data-dir={}", folder.display());
    let output = output(&[&data, "room", "delete", room], &[]).await;
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[tokio::test]
async fn a_room_is_deleted_while_the_server_is_stopped_and_stays_so() {
    let server = Server::start().await;
    let ada = Person::new("Ada");
    let mut client = Client::join(server.address, &ada, &[]).await;
    for n in 0..5 {
        client.say("room2", &format!("{n}")).await;
    }
    client.say("room1", "stays").await;
    let (well, said) = delete(server.folder(), "room2").await;
    assert!(!well && said.contains("Stop it before"), "{said}");
    assert_eq!(http::records(server.address, "room2").await.len(), 5);

    let server = server
        .restart_after(async |folder| {
            let (well, said) = delete(folder, "room2").await;
            assert!(well && said.contains("room2 is deleted"), "{said}");
        })
        .await;
    let rooms = http::get(server.address, "/api/rooms").await.text();
    assert!(
        !rooms.contains("room2") && rooms.contains("room3"),
        "{rooms}"
    );
    let rows = "SELECT COUNT(*) FROM messages";
    assert_eq!(files::count(&server.file("store.db"), rows).await, 1);
    let mut client = Client::join(server.address, &ada, &[]).await;
    assert_eq!(
        client.refused("room2", "too late").await,
        ("unknown_room".to_owned(), false)
    );
    let server = server.restart().await;
    assert_eq!(http::get(server.address, "/rooms/room2").await.status, 404);
    assert_eq!(http::records(server.address, "room1").await.len(), 1);
}
