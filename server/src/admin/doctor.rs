//! `sphere doctor`: looks at every part that a server needs, one line each, with what to do about it.

use std::{path::Path, time::Duration};

use deadpool_redis::redis::{self, cluster::ClusterClient};
use tokio::time::timeout;

use super::{AdminError, say};
use crate::{
    bus::redis::Address,
    config::{Config, Distributed, Profile},
    log::kafka::Connect,
    store::{Migrations, Store},
};

/// How long a part may take to answer.
const CALL: Duration = Duration::from_secs(5);

/// A part and what was found: what is well, or what is wrong and how to mend it.
type Finding = (&'static str, Result<String, String>);

/// Examines everything.
pub(super) async fn examine(config: &Config) -> Result<(), AdminError> {
    let findings = match &config.profile {
        Profile::Embedded(folder) => vec![folder_of(folder), sqlite(folder).await],
        Profile::Distributed(at) => vec![postgres(at).await, redis(at).await, kafka(at).await],
    };
    let mut broken = 0;
    for (part, finding) in findings {
        match finding {
            Ok(well) => say(format_args!("ok      {part}: {well}")),
            Err(wrong) => {
                broken += 1;
                say(format_args!("broken  {part}: {wrong}"));
            }
        }
    }
    if broken == 0 {
        Ok(())
    } else {
        Err(AdminError(format!("{broken} of the parts cannot be used")))
    }
}

fn folder_of(folder: &Path) -> Finding {
    let probe = folder.join(".doctor");
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&probe, b""))
        .and_then(|()| std::fs::remove_file(&probe));
    let shown = folder.display();
    ("data folder", written.map(|()| format!("{shown} can be written")).map_err(|error| {
        format!("{shown} cannot be written ({error}): give it to the user that runs sphere, or set SPHERE_DATA_DIR")
    }))
}

async fn sqlite(folder: &Path) -> Finding {
    let file = folder.join("store.db");
    if !file.exists() {
        return ("store", Ok("is made at the first start".to_owned()));
    }
    let steps = async {
        Store::open_sqlite(&file, false)
            .await?
            .migrate(Migrations::Status)
            .await
    };
    (
        "store",
        steps
            .await
            .map(|steps| schema(&steps))
            .map_err(|error| format!("{error}: restore store.db from a backup")),
    )
}

async fn postgres(at: &Distributed) -> Finding {
    let steps = async {
        Store::open_postgres(&at.database_url, None, 1, false)
            .await?
            .migrate(Migrations::Status)
            .await
    };
    let steps = timeout(CALL, steps)
        .await
        .map_err(|_| "no answer in time".to_owned());
    let steps = steps.and_then(|steps| steps.map_err(|error| error.to_string()));
    let mend = |error| {
        format!(
            "{error}: check that PostgreSQL runs at the address of DATABASE_URL and knows its user and database"
        )
    };
    (
        "PostgreSQL",
        steps.map(|steps| schema(&steps)).map_err(mend),
    )
}

async fn redis(at: &Distributed) -> Finding {
    let pong = timeout(CALL, async {
        let ping = redis::cmd("PING");
        let pong = match Address::parse(&at.redis_url) {
            Some(Address::Cluster(nodes)) => {
                let client = ClusterClient::new(nodes)?;
                let mut connection = client.get_async_connection().await?;
                ping.query_async::<redis::Value>(&mut connection).await?
            }
            _ => {
                let client = redis::Client::open(at.redis_url.as_str())?;
                let mut connection = client.get_multiplexed_async_connection().await?;
                ping.query_async(&mut connection).await?
            }
        };
        Ok::<_, redis::RedisError>(pong)
    });
    let pong = pong
        .await
        .map(|pong| pong.map_err(|error| error.to_string()));
    let pong = pong.unwrap_or_else(|_| Err("no answer in time".to_owned()));
    let mend = |error| {
        format!(
            "{error}: check that Redis 6 or newer runs at the address of REDIS_URL; without it messages still arrive"
        )
    };
    ("Redis", pong.map(|_| "answers".to_owned()).map_err(mend))
}

async fn kafka(at: &Distributed) -> Finding {
    let connect = Connect::new(at.kafka.clone());
    let partitions = match connect.create_topic().await {
        Ok(partitions) => connect.try_out().await.map(|()| partitions),
        Err(error) => Err(error),
    };
    let well = |count| format!("the topic {} has {count} partitions", at.kafka.topic);
    let mend = |error| {
        format!(
            "{error}: check that a broker runs at KAFKA_BROKERS and that its advertised.listeners can be reached from here"
        )
    };
    ("Kafka", partitions.map(well).map_err(mend))
}

fn schema(steps: &[(String, bool)]) -> String {
    match steps.iter().filter(|(_, applied)| !applied).count() {
        0 => "the schema is up to date".to_owned(),
        pending => format!(
            "{pending} steps of the schema are pending; the next start makes them, or `sphere migrate up`"
        ),
    }
}
