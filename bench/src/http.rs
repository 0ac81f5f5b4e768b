//! As much HTTP as the checker needs: one GET, one answer.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::Failure;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks for a path; answers with the status and the body.
///
/// # Errors
/// When nobody answers in time.
pub async fn get(server: SocketAddr, path: &str) -> Result<(u16, Vec<u8>), Failure> {
    timeout(PATIENCE, async {
        let mut socket = TcpStream::connect(server).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).await?;
        parse(&answer).ok_or_else(|| format!("{server} answers {path} with half an answer").into())
    })
    .await?
}

/// The status and the body of a whole answer. The body must be as long as it says.
fn parse(answer: &[u8]) -> Option<(u16, Vec<u8>)> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let body = &answer[end + 4..];
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    (length? == body.len()).then(|| (status, body.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_short_body_is_no_answer() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(parse(whole), Some((200, b"{}".to_vec())));
        assert_eq!(parse(&whole[..whole.len() - 1]), None);
    }
}
