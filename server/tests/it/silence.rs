//! Sockets that fall silent: the server asks, and gives up after 45 seconds.

use std::time::{Duration, Instant};

use tokio::time::timeout;

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
