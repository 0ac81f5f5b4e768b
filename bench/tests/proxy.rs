//! The chaos proxy does what it says, and nothing else.

#![expect(
    clippy::unwrap_used,
    reason = "in a test, what must be there is unwrapped"
)]

use std::time::{Duration, Instant};

use bench::{
    cluster::listener,
    proxy::{Mode, Proxy, Then},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

const SOON: Duration = Duration::from_secs(5);
const QUIET: Duration = Duration::from_millis(200);

/// A proxy before a server that says everything back.
async fn echo() -> Proxy {
    let listener = listener().await.unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap()).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = socket.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    proxy
}

async fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.address()).await.unwrap()
}

async fn say(socket: &mut TcpStream, text: &str) {
    socket.write_all(text.as_bytes()).await.unwrap();
}

/// The next bytes; none when the connection ended.
async fn hear(socket: &mut TcpStream) -> Option<String> {
    let mut buffer = [0; 1_024];
    let count = timeout(SOON, socket.read(&mut buffer))
        .await
        .expect("an answer")
        .unwrap_or(0);
    (count > 0).then(|| String::from_utf8(buffer[..count].to_vec()).unwrap())
}

async fn hears_nothing(socket: &mut TcpStream) -> bool {
    timeout(QUIET, socket.read(&mut [0; 16])).await.is_err()
}

#[tokio::test]
async fn bytes_pass_in_both_directions() {
    let proxy = echo().await;
    let mut socket = connect(&proxy).await;
    say(&mut socket, "one").await;
    assert_eq!(hear(&mut socket).await.as_deref(), Some("one"));
    assert_eq!(proxy.open(), 1);
}

#[tokio::test]
async fn a_delay_holds_in_each_direction() {
    let proxy = echo().await;
    let mut socket = connect(&proxy).await;
    proxy.set(Mode::Delay(Duration::from_millis(100)));
    let began = Instant::now();
    say(&mut socket, "late").await;
    assert_eq!(hear(&mut socket).await.as_deref(), Some("late"));
    assert!(began.elapsed() >= QUIET, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_black_hole_holds_bytes_back_until_it_is_mended() {
    let proxy = echo().await;
    let mut old = connect(&proxy).await;
    say(&mut old, "before").await;
    assert_eq!(hear(&mut old).await.as_deref(), Some("before"));
    proxy.set(Mode::BlackHole);
    let mut new = connect(&proxy).await;
    say(&mut old, "old").await;
    say(&mut new, "new").await;
    assert!(hears_nothing(&mut old).await && hears_nothing(&mut new).await);
    proxy.heal();
    assert_eq!(hear(&mut old).await.as_deref(), Some("old"));
    assert_eq!(hear(&mut new).await.as_deref(), Some("new"));
}

#[tokio::test]
async fn a_cut_ends_what_is_open_and_nothing_else() {
    let proxy = echo().await;
    let mut old = connect(&proxy).await;
    say(&mut old, "old").await;
    assert_eq!(hear(&mut old).await.as_deref(), Some("old"));
    proxy.cut();
    assert_eq!(hear(&mut old).await, None);
    let mut new = connect(&proxy).await;
    say(&mut new, "new").await;
    assert_eq!(hear(&mut new).await.as_deref(), Some("new"));
}

#[tokio::test]
async fn connections_are_torn_after_so_many_bytes_again_and_again() {
    let proxy = echo().await;
    proxy.tear_every(10);
    for torn in 1..=3 {
        let mut socket = connect(&proxy).await;
        // 4 bytes there, 4 back, and the next 2 are the last that pass.
        say(&mut socket, "1234").await;
        assert_eq!(hear(&mut socket).await.as_deref(), Some("1234"));
        say(&mut socket, "56").await;
        assert_eq!(hear(&mut socket).await, None);
        assert_eq!(proxy.torn(), torn);
    }
    proxy.heal();
    let mut socket = connect(&proxy).await;
    say(&mut socket, "a whole sentence").await;
    assert_eq!(hear(&mut socket).await.as_deref(), Some("a whole sentence"));
}

#[tokio::test]
async fn what_a_torn_connection_carried_before_arrives_and_nothing_behind_it() {
    let listener = listener().await.unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap()).await.unwrap();
    proxy.tear_every(6);
    let mut client = connect(&proxy).await;
    let (mut server, _) = listener.accept().await.unwrap();
    say(&mut client, "a frame").await;
    let mut heard = Vec::new();
    timeout(SOON, server.read_to_end(&mut heard))
        .await
        .expect("an end")
        .unwrap();
    assert_eq!(heard, b"a fram");
}

#[tokio::test]
async fn a_half_open_connection_is_silent_and_a_new_one_works() {
    let proxy = echo().await;
    let mut old = connect(&proxy).await;
    say(&mut old, "old").await;
    assert_eq!(hear(&mut old).await.as_deref(), Some("old"));
    proxy.half_open();
    say(&mut old, "lost").await;
    assert!(hears_nothing(&mut old).await);
    let mut new = connect(&proxy).await;
    say(&mut new, "new").await;
    assert_eq!(hear(&mut new).await.as_deref(), Some("new"));
}

#[tokio::test]
async fn only_the_response_to_a_matching_request_is_dropped() {
    let proxy = echo().await;
    let mut socket = connect(&proxy).await;
    proxy.drop_responses(1, |request| request.starts_with(b"drop"), Then::Cut);
    say(&mut socket, "keep").await;
    assert_eq!(hear(&mut socket).await.as_deref(), Some("keep"));
    say(&mut socket, "drop").await;
    assert_eq!(hear(&mut socket).await, None);
    assert_eq!(proxy.dropped(), 1);
    let mut socket = connect(&proxy).await;
    say(&mut socket, "drop").await;
    assert_eq!(hear(&mut socket).await.as_deref(), Some("drop"));
}

#[tokio::test]
async fn a_response_can_be_dropped_in_silence() {
    let proxy = echo().await;
    let mut socket = connect(&proxy).await;
    proxy.drop_responses(1, |_| true, Then::Silence);
    say(&mut socket, "gone").await;
    assert!(hears_nothing(&mut socket).await);
}
