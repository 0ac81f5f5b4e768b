//! The smallest HTTP client that can see everything: one request, one answer.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::within;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The header of that name; none when it is missing, a failed test when it is there twice.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self
            .headers
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str());
        let first = values.next();
        assert_eq!(values.next(), None, "{name} is there twice");
        first
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"));
        serde_json::from_slice(&self.body).unwrap()
    }

    fn read(raw: &[u8]) -> Self {
        let end = raw
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .expect("a head");
        let head = std::str::from_utf8(&raw[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let header = |line: &str| {
            line.split_once(':')
                .map(|(k, v)| (k.to_ascii_lowercase(), v.trim().to_owned()))
        };
        let headers: Vec<_> = lines.map(|line| header(line).unwrap()).collect();
        let mut answer = Self {
            status,
            headers,
            body: raw[end + 4..].to_vec(),
        };
        if answer.header("transfer-encoding") == Some("chunked") {
            answer.body = unchunk(&answer.body);
        }
        answer
    }
}

fn unchunk(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = rest
            .windows(2)
            .position(|two| two == b"\r\n")
            .expect("a chunk's size");
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            return body;
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 2 + size + 2..];
    }
}

/// Asks for something.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Answer {
    request(address, "GET", path, &[]).await
}

/// Asks for something with headers.
pub(crate) async fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Answer {
    try_request(address, method, path, headers)
        .await
        .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
}

/// The same where the server may be gone.
pub(crate) async fn try_request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> std::io::Result<Answer> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += "\r\n";
    let asked = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(text.as_bytes()).await?;
        let mut raw = Vec::new();
        stream.read_to_end(&mut raw).await?;
        if raw.is_empty() {
            Err(std::io::ErrorKind::UnexpectedEof.into())
        } else {
            Ok(Answer::read(&raw))
        }
    };
    within(path, asked).await
}

/// A page of a room.
pub(crate) async fn page(address: SocketAddr, room: &str, query: &str) -> Value {
    let answer = get(address, &format!("/api/rooms/{room}/messages?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Every record of a room, in order, its chain checked.
pub(crate) async fn records(address: SocketAddr, room: &str) -> Vec<Value> {
    let mut records: Vec<Value> = Vec::new();
    let mut last = -1;
    loop {
        let page = page(
            address,
            room,
            &format!("after={last}&records=true&limit=200"),
        )
        .await;
        assert_eq!(page["reset"], false, "records=true knows no reset");
        for item in page["items"].as_array().unwrap() {
            assert_eq!(item["prev"], last, "the chain is whole: {item}");
            last = item["seq"].as_i64().unwrap();
            records.push(item.clone());
        }
        if page["more"] == false {
            assert_eq!(page["head"], last);
            return records;
        }
    }
}
