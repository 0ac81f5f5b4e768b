//! How fast a consumer stores, against one commit for every row on the same database.

use std::{collections::HashMap, time::Duration};

use sqlx::Executor as _;
use tokio::time::Instant;

use super::{figures::Figures, shape};
use crate::{
    Failure,
    check::Size,
    cluster::{Cluster, Ground, PARTITIONS, Places},
    parts::{eventually, postgres::STORED},
};

/// Records that the consumer is given.
const RECORDS: usize = 40_000;
/// How long rows are stored one by one.
const ONE_BY_ONE: Duration = Duration::from_secs(4);

/// Rows that a consumer stores in a second, and rows that are stored by one commit each, on the same database.
pub(super) async fn rows(
    ground: &Ground,
    places: &Places,
    figures: &mut Figures,
) -> Result<(), Failure> {
    let size = Size {
        servers: 1,
        consumers: 1,
        clients: 8,
        rooms: 4,
        joins: 1,
    };
    let mut cluster = Cluster::start(ground, shape(places, "rows", size)).await?;
    let topic = cluster.shape.name.clone();
    cluster.consumers[0].kill().await?;
    let template = first_records(&cluster, ground).await?;
    let database = cluster.database.clone();
    let stored = async || -> Result<i64, Failure> {
        Ok(database.offsets().await?.iter().map(|(_, next)| next).sum())
    };
    for partition in 0..PARTITIONS {
        let mut values = Vec::new();
        for _ in 0..RECORDS / PARTITIONS as usize {
            let mut record = template[&partition].clone();
            record["id"] = uuid::Uuid::new_v4().to_string().into();
            values.push(serde_json::to_vec(&record)?);
        }
        ground.kafka.produce(&topic, partition, values).await?;
    }
    let before = stored().await?;
    cluster.consumers[0].start().await?;
    eventually("the consumer begins", STORED, async || {
        stored().await.is_ok_and(|now| now > before)
    })
    .await?;
    let (began, first) = (Instant::now(), stored().await?);
    cluster.stored(ground, STORED * 4).await?;
    let batched = (stored().await? - first) as f64 / began.elapsed().as_secs_f64();

    let mut connection = database.connect().await?;
    connection
        .execute("CREATE TABLE one_by_one (LIKE messages INCLUDING ALL)")
        .await?;
    let (began, mut rows) = (Instant::now(), 0_i64);
    while began.elapsed() < ONE_BY_ONE {
        let mut transaction = sqlx::Connection::begin(&mut connection).await?;
        transaction
            .execute("UPDATE log_offsets SET next_offset = next_offset WHERE partition = 0")
            .await?;
        sqlx::query(
            "INSERT INTO one_by_one (id, room, partition, seq, kind, author, author_name, author_image, body, created_at) \
             SELECT gen_random_uuid(), room, partition, $1, kind, author, author_name, author_image, body, created_at \
             FROM messages WHERE partition = 0 ORDER BY seq LIMIT 1",
        )
        .bind(rows)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        rows += 1;
    }
    let single = rows as f64 / began.elapsed().as_secs_f64();
    figures.add("stored, rows/s", [batched]);
    figures.add("stored by one commit a row, rows/s", [single]);
    figures.add("times as fast", [batched / single]);
    drop(connection);
    cluster.end().await
}

/// A record of each partition, as the server writes it.
async fn first_records(
    cluster: &Cluster,
    ground: &Ground,
) -> Result<HashMap<i32, serde_json::Value>, Failure> {
    let mut records = HashMap::new();
    for (name, partition) in cluster.database.rooms().await? {
        crate::client::say_once(cluster.servers[0].direct(), &name).await?;
        let value = ground.kafka.first(&cluster.shape.name, partition).await?;
        records.insert(partition, serde_json::from_slice(&value)?);
    }
    if (0..PARTITIONS).all(|partition| records.contains_key(&partition)) {
        Ok(records)
    } else {
        Err("a partition has no room".into())
    }
}
