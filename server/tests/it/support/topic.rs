//! What an operator does to a topic: writes junk into it, makes it anew, gives it more partitions.

use rskafka::{
    client::{
        Client, ClientBuilder,
        partition::{Compression, UnknownTopicHandling},
    },
    record::Record,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{eventually, services, within};

async fn client() -> Client {
    within(
        "the broker",
        ClientBuilder::new(vec![services::kafka()]).build(),
    )
    .await
    .unwrap()
}

/// Appends bytes that are no record of ours, as many times as asked, in one batch.
pub(crate) async fn append(topic: &str, partition: i32, payload: &[u8], times: usize) {
    let client = client().await;
    let partition = client
        .partition_client(topic, partition, UnknownTopicHandling::Error)
        .await
        .unwrap();
    let record = Record {
        key: None,
        value: Some(payload.to_vec()),
        headers: std::collections::BTreeMap::new(),
        timestamp: chrono::DateTime::UNIX_EPOCH,
    };
    partition
        .produce(vec![record; times], Compression::NoCompression)
        .await
        .unwrap();
}

/// Deletes the topic and creates one of the same name.
pub(crate) async fn recreate(topic: &str, partitions: i32) {
    let client = client().await;
    let controller = client.controller_client().unwrap();
    controller.delete_topic(topic, 5_000).await.unwrap();
    eventually("the topic is made anew", async || {
        controller
            .create_topic(topic, partitions, 1, 5_000)
            .await
            .is_ok()
    })
    .await;
}

/// Gives the topic more partitions: a CreatePartitions request by hand, since rskafka has none.
pub(crate) async fn grow(topic: &str, partitions: i32) {
    let text = |text: &str| {
        let length = i16::try_from(text.len()).unwrap();
        [&length.to_be_bytes()[..], text.as_bytes()].concat()
    };
    let request = [
        &37_i16.to_be_bytes()[..], // CreatePartitions
        &1_i16.to_be_bytes(),      // version
        &7_i32.to_be_bytes(),      // correlation
        &text("test"),
        &1_i32.to_be_bytes(), // topics
        &text(topic),
        &partitions.to_be_bytes(),
        &(-1_i32).to_be_bytes(), // the broker assigns them
        &5_000_i32.to_be_bytes(),
        &[0], // not only a question
    ]
    .concat();
    let mut broker = TcpStream::connect(services::kafka()).await.unwrap();
    broker
        .write_i32(i32::try_from(request.len()).unwrap())
        .await
        .unwrap();
    broker.write_all(&request).await.unwrap();
    let length = within("an answer", broker.read_i32()).await.unwrap();
    let mut answer = vec![0; usize::try_from(length).unwrap()];
    broker.read_exact(&mut answer).await.unwrap();
    // Correlation, throttle time, number of topics, name, then the code.
    let code = 4 + 4 + 4 + 2 + topic.len();
    assert_eq!(answer[code..code + 2], [0, 0], "{answer:?}");
}
