//! Pages: the newest, below, above, around, over the socket and over HTTP, with and without the store's help.

use serde_json::{Value, json};
use sphere_protocol::MessageId;

use crate::support::{Client, Person, Server, cid, files::Held, http};

fn seqs(page: &Value) -> Vec<i64> {
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["seq"].as_i64().unwrap())
        .collect()
}

/// A server with this many messages in room1, some in room5 on the same partition, and their `seq`s.
async fn filled(count: usize) -> (Server, Client, Vec<i64>) {
    let flags = [
        "--rate-per-second=0",
        "--http-per-second=0",
        "--rooms=room1,room2,room3,room4,room5",
    ];
    let server = Server::start_with(&flags).await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &[]).await;
    let mut seqs = Vec::new();
    for part in (0..count).collect::<Vec<_>>().chunks(7) {
        let acks = ada
            .say_all("room1", part.iter().map(|n| format!("message {n}")))
            .await;
        seqs.extend(acks.iter().map(|ack| ack["seq"].as_i64().unwrap()));
        ada.say("room5", "between").await;
    }
    (server, ada, seqs)
}

/// The same page over the socket and over HTTP.
async fn both(server: &Server, client: &mut Client, query: &str) -> Value {
    let mut sync = json!({"room": "room1"});
    for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        sync[key] = value
            .parse::<i64>()
            .map_or_else(|_| json!(value), |number| json!(number));
    }
    let page = client.page(sync).await;
    assert_eq!(
        http::page(server.address, "room1", query).await,
        page,
        "{query}"
    );
    page
}

#[tokio::test]
async fn without_an_anchor_comes_the_newest_page_of_fifty_or_as_many_as_asked() {
    let (server, mut ada, all) = filled(230).await;
    for (limit, count) in [
        ("", 50),
        ("limit=1", 1),
        ("limit=0", 1),
        ("limit=200", 200),
        ("limit=201", 200),
        ("limit=4294967295", 200),
    ] {
        let page = both(&server, &mut ada, limit).await;
        assert_eq!(seqs(&page), all[230 - count..], "{limit}");
        assert_eq!(
            (&page["more"], &page["reset"], &page["head"]),
            (&json!(true), &json!(false), &json!(all[229]))
        );
        for absent in ["after", "before", "around", "moreAfter"] {
            assert_eq!(page.get(absent), None);
        }
        assert!(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .all(|item| item.get("prev").is_none()),
            "only records are chained"
        );
    }
    let joined = Client::hello(
        server.address,
        json!({"v": 1, "rooms": [{"room": "room1"}]}),
    )
    .await
    .0
    .take("room:joined")
    .await;
    assert_eq!(
        joined,
        http::page(server.address, "room1", "").await,
        "joining gives the same page"
    );
    let ada = &mut Client::join(server.address, &Person::new("Ada"), &[]).await;
    assert_eq!(
        ada.page(json!({"room": "room4"})).await["items"],
        json!([]),
        "an empty room has an empty page"
    );
}

#[tokio::test]
async fn before_walks_back_to_the_first_message_without_a_hole() {
    let (server, mut ada, all) = filled(130).await;
    let (mut found, mut before) = (Vec::new(), i64::MAX);
    loop {
        let page = both(&server, &mut ada, &format!("before={before}&limit=40")).await;
        assert_eq!(page["before"], before);
        found.splice(0..0, seqs(&page));
        if page["more"] == false {
            break;
        }
        before = found[0];
    }
    assert_eq!(found, all);
    for before in [all[0], 0, -1, i64::MIN] {
        let page = both(&server, &mut ada, &format!("before={before}")).await;
        assert_eq!((&page["items"], &page["more"]), (&json!([]), &json!(false)));
    }
}

#[tokio::test]
async fn after_walks_forward_to_the_head_and_every_record_names_the_one_before() {
    let (server, mut ada, all) = filled(130).await;
    let (mut found, mut after) = (Vec::new(), -1);
    loop {
        let page = both(&server, &mut ada, &format!("after={after}&limit=40")).await;
        assert_eq!(
            (&page["after"], &page["reset"]),
            (&json!(after), &json!(false))
        );
        for item in page["items"].as_array().unwrap() {
            assert_eq!(item["prev"], found.last().copied().unwrap_or(-1), "{item}");
            found.push(item["seq"].as_i64().unwrap());
        }
        after = *found.last().unwrap();
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(found, all);
    let between = both(&server, &mut ada, &format!("after={}", all[59])).await;
    assert_eq!(
        (&between["items"][0]["prev"], &between["items"][0]["seq"]),
        (&json!(all[59]), &json!(all[60]))
    );
    let end = both(&server, &mut ada, &format!("after={after}")).await;
    assert_eq!(
        (&end["items"], &end["more"], &end["reset"]),
        (&json!([]), &json!(false), &json!(false))
    );
}

#[tokio::test]
async fn after_a_record_of_another_room_names_this_rooms_record_before() {
    let (server, mut ada, all) = filled(14).await;
    let elsewhere = http::records(server.address, "room5").await[0]["seq"]
        .as_i64()
        .unwrap();
    assert!(
        all[6] < elsewhere && elsewhere < all[7],
        "both rooms stand in one partition"
    );
    let page = both(&server, &mut ada, &format!("after={elsewhere}&limit=3")).await;
    assert_eq!(
        (seqs(&page), &page["items"][0]["prev"]),
        (all[7..10].to_vec(), &json!(all[6]))
    );
}

#[tokio::test]
async fn around_gives_half_before_and_half_from_the_message_on() {
    let (server, mut ada, all) = filled(60).await;
    let records = http::records(server.address, "room1").await;
    for (at, limit, from, to) in [
        (30, 10, 25, 35),
        (30, 11, 25, 36),
        (30, 1, 30, 31),
        (2, 10, 0, 7),
        (58, 10, 53, 60),
        (0, 10, 0, 5),
        (59, 10, 54, 60),
    ] {
        let id = records[at]["id"].as_str().unwrap();
        let page = both(&server, &mut ada, &format!("around={id}&limit={limit}")).await;
        assert_eq!(seqs(&page), all[from..to], "{at} of {limit}");
        assert_eq!(
            (&page["around"], &page["more"], &page["moreAfter"]),
            (&json!(id), &json!(from > 0), &json!(to < 60)),
            "{at} of {limit}"
        );
    }
}

#[tokio::test]
async fn around_needs_a_message_of_this_room() {
    let (server, mut ada, _) = filled(3).await;
    let cid = cid();
    ada.post_again(&cid, 1, "room1", "twice").await;
    ada.post_again(&cid, 1, "room1", "twice").await;
    let (_, second) = (ada.ack(&cid).await, ada.ack(&cid).await);
    let void = MessageId::void(0, second["seq"].as_i64().unwrap() + 1).to_string();
    let elsewhere = http::records(server.address, "room5").await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for id in [
        void,
        elsewhere,
        "00000000-0000-8000-8000-000000000000".to_owned(),
    ] {
        let error = ada.ask(json!({"room": "room1", "around": id})).await;
        assert_eq!(
            (error.event.as_str(), &error["code"], &error["retry"]),
            ("room:error", &json!("unknown_message"), &json!(false))
        );
        let answer = http::get(
            server.address,
            &format!("/api/rooms/room1/messages?around={id}"),
        )
        .await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (404, &json!("unknown_message"))
        );
    }
}

#[tokio::test]
async fn pages_of_messages_leave_voids_out_and_pages_of_records_have_them() {
    let (server, mut ada, _) = filled(4).await;
    let cid = ada.post("room1", "twice").await;
    let first = ada.ack(&cid).await;
    for _ in 0..3 {
        ada.post_again(&cid, 1, "room1", "twice").await;
        ada.ack(&cid).await;
    }
    let last = ada.say("room1", "last").await;
    let newest = both(&server, &mut ada, "limit=2").await;
    assert_eq!(
        seqs(&newest),
        [
            first["seq"].as_i64().unwrap(),
            last["seq"].as_i64().unwrap()
        ],
        "two messages, not two records"
    );
    let below = both(
        &server,
        &mut ada,
        &format!("before={}&limit=1", last["seq"]),
    )
    .await;
    assert_eq!(seqs(&below), [first["seq"].as_i64().unwrap()]);
    let around = both(
        &server,
        &mut ada,
        &format!("around={}&limit=4", last["id"].as_str().unwrap()),
    )
    .await;
    assert_eq!(
        around["items"].as_array().unwrap().len(),
        3,
        "two before, one from it on"
    );
    let above = both(&server, &mut ada, &format!("after={}", first["seq"])).await;
    let kinds: Vec<_> = above["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["kind"].clone(), item.get("ref").cloned()))
        .collect();
    let void = (json!("void"), Some(first["id"].clone()));
    assert_eq!(
        kinds,
        [void.clone(), void.clone(), void, (json!("message"), None)]
    );
}

#[tokio::test]
async fn more_than_a_thousand_records_above_lead_to_a_reset_and_exactly_a_thousand_do_not() {
    let (server, mut ada, all) = filled(1_003).await;
    let near = both(&server, &mut ada, &format!("after={}&limit=200", all[2])).await;
    assert_eq!(
        (&near["reset"], &near["more"], seqs(&near)),
        (&json!(false), &json!(true), all[3..203].to_vec())
    );
    let far = both(&server, &mut ada, &format!("after={}&limit=200", all[1])).await;
    assert_eq!(
        (&far["reset"], &far["more"], seqs(&far)),
        (&json!(true), &json!(true), all[803..].to_vec())
    );
    assert_eq!(
        (&far["after"], &far["head"]),
        (&json!(all[1]), &json!(all[1_002]))
    );
    assert!(
        far["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|item| item.get("prev").is_none()),
        "a reset is a newest page"
    );
    let all_records = http::records(server.address, "room1").await;
    assert_eq!(all_records.len(), 1_003, "records=true knows no reset");
}

#[tokio::test]
async fn another_epoch_or_a_place_beyond_the_end_leads_to_a_reset() {
    let (server, mut ada, all) = filled(5).await;
    let epoch = http::page(server.address, "room1", "").await["epoch"]
        .as_i64()
        .unwrap();
    let same = ada
        .page(json!({"room": "room1", "after": all[1], "epoch": epoch}))
        .await;
    assert_eq!(
        (&same["reset"], seqs(&same)),
        (&json!(false), all[2..].to_vec())
    );
    let other = ada
        .page(json!({"room": "room1", "after": all[1], "epoch": epoch - 1}))
        .await;
    assert_eq!(
        (&other["reset"], &other["epoch"], seqs(&other)),
        (&json!(true), &json!(epoch), all.clone())
    );
    let end = http::records(server.address, "room5").await.last().unwrap()["seq"]
        .as_i64()
        .unwrap();
    let at_the_end = ada.page(json!({"room": "room1", "after": end})).await;
    assert_eq!(
        (&at_the_end["reset"], seqs(&at_the_end)),
        (&json!(false), vec![]),
        "the partition's last record"
    );
    for beyond in [end + 1, end + 1_000_000, i64::MAX] {
        let page = ada
            .page(json!({"room": "room1", "after": beyond, "epoch": epoch}))
            .await;
        assert_eq!(
            (&page["reset"], seqs(&page)),
            (&json!(true), all.clone()),
            "{beyond}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_hold_what_the_store_does_not_have_yet() {
    let (server, mut ada, mut all) = filled(20).await;
    let first = http::records(server.address, "room1").await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let held = Held::take(&server.file("store.db")).await;
    let cid = cid();
    for n in 20..40 {
        all.push(
            ada.say("room1", &format!("message {n}")).await["seq"]
                .as_i64()
                .unwrap(),
        );
        ada.say("room5", "between").await;
    }
    ada.post_again(&cid, 1, "room1", "twice").await;
    let twice = ada.ack(&cid).await;
    all.push(twice["seq"].as_i64().unwrap());
    ada.post_again(&cid, 1, "room1", "twice").await;
    ada.ack(&cid).await;
    ada.post_again(&cid, 2, "room1", "twice").await;
    assert_eq!(
        ada.ack(&cid).await,
        twice,
        "the feed knows what the store does not"
    );

    let id = twice["id"].as_str().unwrap();
    let queries = [
        "limit=200".to_owned(),
        "limit=30".to_owned(),
        "limit=5".to_owned(),
        format!("before={}&limit=10", all[25]),
        format!("before={}&limit=10", all[10]),
        "after=-1&limit=200".to_owned(),
        "after=-1&limit=20".to_owned(),
        "after=-1&limit=21".to_owned(),
        format!("after={}&limit=5", all[17]),
        format!("after={}&limit=5", all[30]),
        format!("around={id}&limit=10"),
        format!("around={first}&limit=60"),
        format!("around={first}&limit=10"),
    ];
    let mut pages = Vec::new();
    for query in &queries {
        pages.push(both(&server, &mut ada, query).await);
    }
    assert_eq!(seqs(&pages[0]), all);
    assert_eq!(seqs(&pages[1]), all[11..]);
    held.release().await;
    let records = http::records(server.address, "room1").await;
    assert_eq!((records.len(), &records[41]["kind"]), (42, &json!("void")));
    server.has_stored_everything().await;
    for (query, page) in queries.iter().zip(pages) {
        assert_eq!(
            both(&server, &mut ada, query).await,
            page,
            "{query}: the same from the store alone"
        );
    }
}

#[tokio::test]
async fn the_largest_page_of_the_largest_messages_arrives() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new(&"🙂".repeat(32)), &[]).await;
    // JSON writes six bytes for each of these.
    let text = "\u{1}".repeat(5_000);
    ada.say_all("room1", (0..200).map(|_| text.clone())).await;
    let page = ada.page(json!({"room": "room1", "limit": 200})).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 200);
    assert!(
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|item| item["message"] == *text)
    );
}

#[tokio::test]
async fn a_page_needs_no_join_and_answers_come_in_the_order_of_the_questions() {
    let (_server, mut ada, all) = filled(30).await;
    for limit in 1..=30 {
        ada.feed("sync:room", json!({"room": "room1", "limit": limit}))
            .await;
    }
    ada.flush().await;
    for limit in 1..=30 {
        let page = ada.expect("room:page").await;
        assert_eq!(seqs(&page), all[30 - limit..]);
    }
}
