//! Connections that fall silent: the server asks sockets, and waits for nobody for ever.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::support::{
    Server,
    raw::{CLOSE, PING, Raw, TEXT, frame},
    within,
};

const HELLO: &[u8] = br#"{"event":"hello","data":{"v":1}}"#;
const PONG: u8 = 0xa;

/// The whole life of a quiet socket: pinged every 20 s, closed after 45 s without a frame; whoever answers stays.
#[tokio::test]
async fn a_socket_is_pinged_every_20_seconds_and_closed_after_45_of_silence() {
    let server = Server::start().await;
    let (silent, polite) = tokio::join!(watch(&server, false), watch(&server, true));
    assert_eq!(silent, "ping 20, ping 40, close 1001 at 45");
    assert_eq!(polite, "ping 20, ping 40, still there");
}

async fn watch(server: &Server, answers: bool) -> String {
    let mut raw = Raw::open(server.address).await;
    raw.send(&frame(TEXT, HELLO)).await;
    assert_eq!(within("welcome", raw.next()).await.unwrap().0, TEXT);
    let began = Instant::now();
    let mut seen = Vec::new();
    loop {
        let left = Duration::from_secs(49).saturating_sub(began.elapsed());
        let Ok(next) = timeout(left, raw.next()).await else {
            seen.push("still there".to_owned());
            break;
        };
        // Whole seconds, with half a second for a busy machine.
        let at = (began.elapsed() + Duration::from_millis(100)).as_secs();
        match next {
            Some((PING, payload)) => {
                seen.push(format!("ping {at}"));
                if answers {
                    raw.send(&frame(PONG, &payload)).await;
                }
            }
            Some((CLOSE, payload)) => {
                let code = u16::from_be_bytes(*payload.first_chunk().unwrap());
                seen.push(format!("close {code} at {at}"));
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    seen.join(", ")
}

/// A connection on which something was written; how it ended and after how long.
async fn cut(server: &Server, slowly: &str, pause: Duration) -> (String, Duration) {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let began = Instant::now();
    let (mut reader, mut writer) = stream.split();
    let write = async {
        for byte in slowly.bytes() {
            if writer.write_all(&[byte]).await.is_err() {
                break;
            }
            sleep(pause).await;
        }
        std::future::pending::<()>().await
    };
    let mut answer = Vec::new();
    tokio::select! {
        _ = within("the end of the connection", reader.read_to_end(&mut answer)) => {}
        () = write => {}
    }
    (String::from_utf8(answer).unwrap(), began.elapsed())
}

#[tokio::test]
async fn a_head_that_never_ends_and_a_connection_without_one_are_cut_off_after_ten_seconds() {
    let server = Server::start().await;
    let head = format!(
        "GET /readyz HTTP/1.1\r\nHost: x\r\nX: {}",
        "x".repeat(1_000)
    );
    let whole = "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n";
    let (slow, silent, kept) = tokio::join!(
        cut(&server, &head, Duration::from_millis(200)),
        cut(&server, "", Duration::ZERO),
        cut(&server, whole, Duration::ZERO),
    );
    assert!(kept.0.starts_with("HTTP/1.1 200"), "{}", kept.0);
    for (what, (_, after)) in [
        ("a slow head", slow),
        ("silence", silent),
        ("silence after an answer", kept),
    ] {
        let seconds = after.as_secs_f64();
        assert!(
            (9.0..15.0).contains(&seconds),
            "{what}: cut off after {after:?}"
        );
    }
}
