//! The part of the configuration that only the distributed profile has. All of it or nothing: a half would not work.

use std::path::PathBuf;

use clap::Args;

use super::{ConfigError, list, wrong};
use crate::{
    bus::redis::Address,
    log::kafka::{KafkaConfig, Sasl},
};

/// Flags and variables as given.
#[derive(Debug, Clone, Args)]
pub struct DistributedArguments {
    /// PostgreSQL: `postgres://…`.
    #[arg(long, env = "DATABASE_URL", default_value = "", hide_env_values = true)]
    database_url: String,
    /// A replica of it for reading history.
    #[arg(
        long,
        env = "DATABASE_READ_URL",
        default_value = "",
        hide_env_values = true
    )]
    database_read_url: String,
    /// Connections of this process to each database.
    #[arg(long, env = "DATABASE_POOL", default_value = "10")]
    database_pool: String,
    /// Redis: `redis://…` or `rediss://…`; a cluster: `redis+cluster://node:port,node:port`, or `rediss+cluster://…`.
    #[arg(long, env = "REDIS_URL", default_value = "", hide_env_values = true)]
    redis_url: String,
    /// Kafka: `host:port,…`.
    #[arg(long, env = "KAFKA_BROKERS", default_value = "")]
    kafka_brokers: String,
    /// The topic.
    #[arg(long, env = "KAFKA_TOPIC", default_value = "MESSAGES")]
    kafka_topic: String,
    /// Partitions of a topic that has to be created.
    #[arg(long, env = "KAFKA_PARTITIONS", default_value = "4")]
    kafka_partitions: String,
    /// Copies of every record of a topic that has to be created.
    #[arg(long, env = "KAFKA_REPLICATION_FACTOR", default_value = "1")]
    kafka_replication_factor: String,
    /// File with the certificates that the brokers' are checked against; without it there is no TLS.
    #[arg(long, env = "KAFKA_TLS_CA_FILE", default_value = "")]
    kafka_tls_ca_file: String,
    /// PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.
    #[arg(long, env = "KAFKA_SASL_MECHANISM", default_value = "")]
    kafka_sasl_mechanism: String,
    /// Who logs in.
    #[arg(long, env = "KAFKA_SASL_USERNAME", default_value = "")]
    kafka_sasl_username: String,
    /// File with the password.
    #[arg(long, env = "KAFKA_SASL_PASSWORD_FILE", default_value = "")]
    kafka_sasl_password_file: String,
}

/// Where the parts of the distributed profile are.
#[derive(Clone)]
pub struct Distributed {
    /// PostgreSQL.
    pub database_url: String,
    /// A replica for history.
    pub database_read_url: Option<String>,
    /// Connections to each.
    pub database_pool: u32,
    /// Redis.
    pub redis_url: String,
    /// Kafka.
    pub kafka: KafkaConfig,
}

impl std::fmt::Debug for Distributed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The addresses hold passwords.
        f.debug_struct("Distributed")
            .field("kafka", &self.kafka)
            .finish_non_exhaustive()
    }
}

impl DistributedArguments {
    /// Checks what was given; none when nothing was.
    pub(super) fn check(self) -> Result<Option<Distributed>, ConfigError> {
        let urls = [
            ("KAFKA_BROKERS", &self.kafka_brokers),
            ("REDIS_URL", &self.redis_url),
            ("DATABASE_URL", &self.database_url),
        ];
        if urls.iter().all(|(_, url)| url.is_empty()) {
            return Ok(None);
        }
        if let Some((variable, _)) = urls.iter().find(|(_, url)| url.is_empty()) {
            return Err(wrong(
                variable,
                "must be set too: KAFKA_BROKERS, REDIS_URL and DATABASE_URL belong together",
            ));
        }
        if !self.database_url.starts_with("postgres://")
            && !self.database_url.starts_with("postgresql://")
        {
            return Err(wrong("DATABASE_URL", "must begin with postgres://"));
        }
        if Address::parse(&self.redis_url).is_none() {
            return Err(wrong(
                "REDIS_URL",
                "must begin with redis://, rediss://, redis+cluster:// or rediss+cluster://",
            ));
        }
        let kafka = KafkaConfig {
            brokers: list(&self.kafka_brokers).map(str::to_owned).collect(),
            sasl: self.sasl()?,
            topic: self.kafka_topic,
            partitions: positive("KAFKA_PARTITIONS", &self.kafka_partitions)?,
            replication_factor: positive(
                "KAFKA_REPLICATION_FACTOR",
                &self.kafka_replication_factor,
            )?,
            tls_ca_file: (!self.kafka_tls_ca_file.is_empty())
                .then(|| PathBuf::from(&self.kafka_tls_ca_file)),
        };
        Ok(Some(Distributed {
            database_url: self.database_url,
            database_read_url: (!self.database_read_url.is_empty())
                .then_some(self.database_read_url),
            database_pool: positive("DATABASE_POOL", &self.database_pool)?,
            redis_url: self.redis_url,
            kafka,
        }))
    }

    fn sasl(&self) -> Result<Option<Sasl>, ConfigError> {
        if self.kafka_sasl_mechanism.is_empty() {
            return Ok(None);
        }
        if !["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
            .contains(&self.kafka_sasl_mechanism.as_str())
        {
            return Err(wrong(
                "KAFKA_SASL_MECHANISM",
                "must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512",
            ));
        }
        let password =
            std::fs::read_to_string(&self.kafka_sasl_password_file).map_err(|error| {
                wrong(
                    "KAFKA_SASL_PASSWORD_FILE",
                    format!(
                        "{:?} cannot be read: {error}",
                        self.kafka_sasl_password_file
                    ),
                )
            })?;
        Ok(Some(Sasl {
            mechanism: self.kafka_sasl_mechanism.clone(),
            username: self.kafka_sasl_username.clone(),
            password: password.trim_end_matches(['\r', '\n']).to_owned(),
        }))
    }
}

fn positive<N: std::str::FromStr + PartialOrd + From<u8>>(
    variable: &'static str,
    text: &str,
) -> Result<N, ConfigError> {
    let number = text
        .parse::<N>()
        .ok()
        .filter(|number| *number >= N::from(1));
    number.ok_or_else(|| {
        wrong(
            variable,
            format!("must be a whole number from 1 on, not {text:?}"),
        )
    })
}
