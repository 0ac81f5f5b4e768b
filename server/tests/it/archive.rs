//! Older pages for who has no JavaScript, and what search engines are told.

use crate::support::{Client, Person, Server, http};

/// Every row of a page in order, by its `seq`.
fn rows(html: &str) -> Vec<i64> {
    let attributes = html.split("data-seq=\"").skip(1);
    attributes
        .map(|rest| rest.split('"').next().unwrap().parse().unwrap())
        .collect()
}

/// The address of the first link with these words.
fn link(html: &str, words: &str) -> Option<String> {
    let before = html.split(&format!(">{words}</a>")).next().unwrap();
    let tag = (before.len() < html.len()).then(|| before.rsplit("<a ").next().unwrap())?;
    Some(
        tag.split("href=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .to_owned(),
    )
}

#[tokio::test]
async fn links_lead_from_the_newest_page_to_the_first_message_and_back() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &[]).await;
    let number = |number: usize| format!("Number {number}");
    ada.say_all("room1", (0..30).map(number)).await;
    ada.say_all("room2", vec!["Elsewhere".to_owned(); 30]).await;
    ada.say_all("room1", (30..120).map(number)).await;
    let get = async |path: &str| http::get(server.address, path).await.text();
    let newest = get("/rooms/room1").await;
    let mut pages = vec![rows(&newest)];
    let mut page = newest;
    while let Some(older) = link(&page, "Older messages") {
        page = get(&older).await;
        assert!(
            !page.contains("sphere-boot"),
            "it does not start the application"
        );
        assert!(
            page.contains(&format!("<link rel=\"canonical\" href=\"{older}\"")),
            "{older}"
        );
        pages.insert(0, rows(&page));
    }
    let all = pages.concat();
    assert_eq!(all.len(), 120);
    assert!(all.is_sorted());
    assert!(page.contains("Number 0") && !page.contains("Elsewhere"));

    // And forward again, over the same pages.
    let mut at = 0;
    while let Some(newer) = link(&page, "Newer messages") {
        page = get(&newer).await;
        at += 1;
        assert_eq!(rows(&page), pages[at], "{newer}");
    }
    assert_eq!(at, pages.len() - 2);
    assert_eq!(
        link(&page, "Newest messages").as_deref(),
        Some("/rooms/room1")
    );
}

#[tokio::test]
async fn an_address_of_no_older_page_shows_the_newest() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &[]).await;
    ada.say("room1", "Only this").await;
    for query in [
        "before=0",
        "before=-5",
        "before=x",
        "before=",
        "after=3",
        "before=99999999999999999999",
    ] {
        let answer = http::get(server.address, &format!("/rooms/room1?{query}")).await;
        assert_eq!(answer.status, 200, "{query}");
        let html = answer.text();
        assert!(
            html.contains("Only this") && html.contains("sphere-boot"),
            "{query}"
        );
    }
}

#[tokio::test]
async fn search_engines_stay_away_unless_they_are_asked_in() {
    for (flags, robots, meta) in [
        (vec![], "User-agent: *\nDisallow: /\n", "noindex,nofollow"),
        (
            vec!["--robots=index"],
            "User-agent: *\nDisallow: /api/\nDisallow: /offline\n",
            "index,follow",
        ),
    ] {
        let server = Server::start_with(&flags).await;
        let answer = http::get(server.address, "/robots.txt").await;
        assert_eq!((answer.status, answer.text().as_str()), (200, robots));
        assert!(
            answer
                .header("content-type")
                .unwrap()
                .starts_with("text/plain")
        );
        let html = http::get(server.address, "/rooms/room1").await.text();
        assert!(
            html.contains(&format!("<meta name=\"robots\" content=\"{meta}\"")),
            "{html}"
        );
        assert!(html.contains("<link rel=\"canonical\" href=\"/rooms/room1\""));
        assert!(
            html.contains("<title>General · Sphere</title>")
                && html.contains("<meta name=\"description\"")
        );
        for path in ["/rooms/nowhere", "/offline"] {
            let html = http::get(server.address, path).await.text();
            assert!(html.contains("content=\"noindex,nofollow\""), "{path}");
        }
    }
}

#[tokio::test]
async fn the_page_that_browsers_keep_has_the_rooms_and_no_message() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &[]).await;
    ada.say("room1", "Not for the cache").await;
    let answer = http::get(server.address, "/offline").await;
    assert_eq!(answer.status, 200);
    let html = answer.text();
    assert!(html.contains("General") && html.contains("Off-topic") && html.contains("data-shell"));
    assert!(!html.contains("Not for the cache"));
}
