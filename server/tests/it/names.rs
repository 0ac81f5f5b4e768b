//! Display names: what they may be, where they come from, and who hears of a new one.

use serde_json::{Value, json};

use crate::support::{Client, Person, Server};

const BAD: [&str; 11] = [
    "",
    "   ",
    "a\u{0}b",
    "a\nb",
    "a\u{85}b",
    "a\u{202e}b",
    "a\u{2066}b",
    "a\u{200b}b",
    "a\u{200d}b",
    "\u{feff}\u{feff}",
    "123456789012345678901234567890123",
];

async fn named(server: &Server, name: Value) -> (Client, Value) {
    let mut hello = Person::nameless().hello();
    hello["userName"] = name;
    Client::hello(server.address, hello).await
}

#[tokio::test]
async fn a_name_is_trimmed_and_brought_into_normal_form() {
    let server = Server::start().await;
    for (said, stored) in [
        ("  Ada ", "Ada"),
        ("\u{3000}Ada\t", "Ada"),
        ("Ame\u{301}lie", "Am\u{e9}lie"),
        ("\u{212b}", "\u{c5}"),
        (
            "12345678901234567890123456789012",
            "12345678901234567890123456789012",
        ),
        ("李 小龙", "李 小龙"),
        ("<b>Ada</b>", "<b>Ada</b>"),
    ] {
        let (mut client, welcome) = named(&server, json!(said)).await;
        assert_eq!(welcome["me"]["userName"], stored);
        client.send("profile", json!({"userName": "Other"})).await;
        assert_eq!(client.expect("profile").await, json!({"userName": "Other"}));
        client.send("profile", json!({"userName": said})).await;
        assert_eq!(client.expect("profile").await, json!({"userName": stored}));
    }
}

#[tokio::test]
async fn a_bad_name_in_hello_is_said_and_the_connection_goes_on_without_it() {
    let server = Server::start().await;
    for bad in BAD {
        let (mut client, welcome) = named(&server, json!(bad)).await;
        assert_eq!(welcome["me"]["userName"], "Anonymous", "{bad:?}");
        let error = client.expect("error").await;
        assert_eq!(
            (&error["code"], &error["retry"], &error["event"]),
            (&json!("bad_name"), &json!(false), &json!("hello")),
            "{bad:?}"
        );
        assert_eq!(client.heard().await, []);
    }
}

#[tokio::test]
async fn a_bad_name_in_profile_is_refused_and_changes_nothing() {
    let server = Server::start().await;
    let (mut client, _) = named(&server, json!("Ada")).await;
    for bad in BAD {
        client.send("profile", json!({"userName": bad})).await;
        let error = client.expect("error").await;
        assert_eq!(
            (&error["code"], &error["retry"], &error["event"]),
            (&json!("bad_name"), &json!(false), &json!("profile")),
            "{bad:?}"
        );
    }
    client.say("room1", "Hello").await;
    assert_eq!(
        client.page(json!({"room": "room1"})).await["items"][0]["userName"],
        "Ada"
    );
}

#[tokio::test]
async fn who_says_no_name_has_the_stored_one_or_is_anonymous() {
    let server = Server::start().await;
    let person = Person::nameless();
    let (mut client, welcome) = Client::hello(server.address, person.hello()).await;
    assert_eq!(welcome["me"]["userName"], "Anonymous");
    client.send("profile", json!({"userName": "Ada"})).await;
    client.expect("profile").await;
    let (_, welcome) = Client::hello(server.address, person.hello()).await;
    assert_eq!(
        welcome["me"]["userName"], "Anonymous",
        "nothing is stored about somebody who has not written"
    );
    client.say("room1", "Hello").await;
    let (_, welcome) = Client::hello(server.address, person.hello()).await;
    assert_eq!(welcome["me"]["userName"], "Ada");
    client
        .send("profile", json!({"userName": "Countess"}))
        .await;
    client.expect("profile").await;
    let server = server.restart().await;
    let (_, welcome) = Client::hello(server.address, person.hello()).await;
    assert_eq!(welcome["me"]["userName"], "Countess");
}

#[tokio::test]
async fn a_new_name_reaches_all_sockets_of_the_user_and_shows_on_later_messages() {
    let server = Server::start().await;
    let person = Person::new("Ada");
    let mut first = Client::join(server.address, &person, &["room1"]).await;
    let mut second = Client::join(server.address, &person, &[]).await;
    let mut bob = Client::join(server.address, &Person::new("Bob"), &["room1"]).await;
    first.say("room1", "1").await;
    first
        .send("profile", json!({"userName": " Countess "}))
        .await;
    assert_eq!(
        second.take("profile").await,
        json!({"userName": "Countess"})
    );
    assert_eq!(first.take("profile").await, json!({"userName": "Countess"}));
    first.say("room1", "2").await;
    second.say("room1", "3").await;
    let mut names = Vec::new();
    for _ in 0..3 {
        names.push(bob.expect("message").await["userName"].clone());
    }
    assert_eq!(
        names,
        ["Ada", "Countess", "Countess"],
        "others hear of a name by messages only"
    );
    let page = bob.page(json!({"room": "room1"})).await;
    let names: Vec<_> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["userName"].clone())
        .collect();
    assert_eq!(
        names,
        ["Ada", "Countess", "Countess"],
        "what was said keeps its name"
    );
    assert_eq!(bob.heard().await, []);
}

#[tokio::test]
async fn a_name_in_a_later_hello_is_stored_too() {
    let server = Server::start().await;
    let mut person = Person::new("Ada");
    Client::join(server.address, &person, &[])
        .await
        .say("room1", "1")
        .await;
    person.name = Some("Countess".to_owned());
    let mut client = Client::join(server.address, &person, &[]).await;
    client.say("room1", "2").await;
    let page = client.page(json!({"room": "room1"})).await;
    assert_eq!(page["items"][1]["userName"], "Countess");
    person.name = None;
    let (_, welcome) = Client::hello(server.address, person.hello()).await;
    assert_eq!(welcome["me"]["userName"], "Countess");
}
