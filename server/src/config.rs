//! The configuration: environment variables and flags, checked once at the start. The only place that reads either.
//!
//! A wrong value is answered with one sentence that names the variable and says what would be right.

use std::{net::SocketAddr, path::PathBuf};

use axum::http::HeaderValue;
use clap::Parser;
use ipnet::IpNet;

use crate::limits::Rates;

pub mod distributed;
mod network;
mod rooms;

pub use distributed::Distributed;
pub use rooms::RoomTitle;

/// Sphere: a self-hosted multi-room chat. Without any setting it listens on 127.0.0.1:3000 and keeps its data in ./data.
#[derive(Debug, Clone, Parser)]
#[command(name = "sphere", version, about)]
pub struct Arguments {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<crate::admin::Command>,
    /// Address and port to listen on; port 0 takes any free one.
    #[arg(long, env = "SPHERE_LISTEN", default_value = "127.0.0.1:3000")]
    listen: String,
    /// Address and port for Prometheus: `/metrics` and nothing else. Not served unless it is set.
    #[arg(long, env = "SPHERE_METRICS_LISTEN", default_value = "")]
    metrics_listen: String,
    /// Folder of the embedded log and store.
    #[arg(long, env = "SPHERE_DATA_DIR", default_value = "./data")]
    data_dir: PathBuf,
    /// What this process does: all, web or consumer.
    #[arg(long, env = "SPHERE_ROLE", default_value = "all")]
    role: String,
    /// Rooms as `name=title,…`, in the order to show. Titles are updated, rooms are never removed by it.
    #[arg(
        long,
        env = "SPHERE_ROOMS",
        default_value = "room1=General,room2=Random,room3=Help,room4=Off-topic"
    )]
    rooms: String,
    /// Origins besides the server's own that may connect, separated by commas.
    #[arg(long, env = "SPHERE_ALLOWED_ORIGINS", default_value = "")]
    allowed_origins: String,
    /// Proxies whose X-Forwarded-For counts: addresses or networks, separated by commas.
    #[arg(long, env = "SPHERE_TRUSTED_PROXIES", default_value = "")]
    trusted_proxies: String,
    /// Messages per second and user; 0 = no limit.
    #[arg(long, env = "SPHERE_RATE_PER_SECOND", default_value = "10")]
    rate_per_second: String,
    /// Messages that a user may send at once.
    #[arg(long, env = "SPHERE_RATE_BURST", default_value = "20")]
    rate_burst: String,
    /// Sockets of one address; 0 = no limit.
    #[arg(long, env = "SPHERE_MAX_SOCKETS_PER_IP", default_value = "200")]
    max_sockets_per_ip: String,
    /// New identities per minute and address; 0 = no limit.
    #[arg(long, env = "SPHERE_NEW_IDS_PER_MINUTE_PER_IP", default_value = "60")]
    new_ids_per_minute_per_ip: String,
    /// Requests to /api/ per second and address; 0 = no limit.
    #[arg(long, env = "SPHERE_HTTP_PER_SECOND", default_value = "10")]
    http_per_second: String,
    /// Whether search engines may list the rooms: index or noindex.
    #[arg(long, env = "SPHERE_ROBOTS", default_value = "noindex")]
    robots: String,
    /// Form of the log lines on stderr: text or json.
    #[arg(long, env = "SPHERE_LOG_FORMAT", default_value = "text")]
    log_format: String,
    /// Which log lines are written, in the syntax of tracing's EnvFilter.
    #[arg(
        long,
        env = "SPHERE_LOG",
        default_value = "info,rskafka=warn,sqlx=warn,sea_orm_migration=warn"
    )]
    log: String,
    /// Whether the schema is brought up to date at the start.
    #[arg(long, env = "SPHERE_MIGRATE", default_value = "true")]
    migrate: String,
    /// Set by `cargo leptos watch`: the page listens for rebuilds.
    #[arg(long, env = "LEPTOS_WATCH", default_value = "", hide = true)]
    watching: String,
    /// What to do wrong, for the checker.
    #[cfg(feature = "faults")]
    #[arg(long, env = "SPHERE_FAULTS", default_value = "", hide = true)]
    faults: String,
    #[command(flatten)]
    distributed: distributed::DistributedArguments,
}

/// A value that cannot be used: one sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {why}.")]
pub struct ConfigError {
    /// The environment variable.
    pub variable: &'static str,
    /// What is wrong with it and what would be right.
    pub why: String,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines, one object a line.
    Json,
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Both of the others.
    All,
    /// Serves people.
    Web,
    /// Stores the log.
    Consumer,
}

/// Where log, bus and store are.
#[derive(Debug, Clone)]
pub enum Profile {
    /// In this folder and this process.
    Embedded(PathBuf),
    /// On Kafka, Redis and PostgreSQL.
    Distributed(Box<Distributed>),
}

/// The configuration, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where figures are read.
    pub metrics_listen: Option<SocketAddr>,
    /// What this process does.
    pub role: Role,
    /// Where log, bus and store are.
    pub profile: Profile,
    /// The rooms to make.
    pub rooms: Vec<RoomTitle>,
    /// Other origins that may connect.
    pub allowed_origins: Vec<HeaderValue>,
    /// Proxies that speak for others.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether search engines may list the rooms.
    pub index: bool,
    /// The limits.
    pub rates: Rates,
    /// The form of log lines.
    pub log_format: LogFormat,
    /// Which log lines are written.
    pub log: String,
    /// Whether to bring the schema up to date.
    pub migrate: bool,
    /// Whether `cargo leptos watch` runs this server.
    pub watching: bool,
}

impl TryFrom<Arguments> for Config {
    type Error = ConfigError;

    fn try_from(given: Arguments) -> Result<Self, ConfigError> {
        #[cfg(feature = "faults")]
        crate::faults::choose(&given.faults).map_err(|why| wrong("SPHERE_FAULTS", why))?;
        let role = match given.role.as_str() {
            "all" => Role::All,
            "web" => Role::Web,
            "consumer" => Role::Consumer,
            other => {
                return Err(wrong(
                    "SPHERE_ROLE",
                    format!("must be all, web or consumer, not {other:?}"),
                ));
            }
        };
        let profile = match given.distributed.check()? {
            Some(distributed) => Profile::Distributed(Box::new(distributed)),
            None if role == Role::All => Profile::Embedded(given.data_dir),
            None => {
                let why = "must be all without KAFKA_BROKERS, REDIS_URL and DATABASE_URL: the embedded profile is exactly one process";
                return Err(wrong("SPHERE_ROLE", why));
            }
        };
        let rates = Rates {
            messages_per_second: number("SPHERE_RATE_PER_SECOND", &given.rate_per_second)?,
            messages_burst: number("SPHERE_RATE_BURST", &given.rate_burst)?,
            sockets_per_address: number("SPHERE_MAX_SOCKETS_PER_IP", &given.max_sockets_per_ip)?,
            new_ids_per_minute: number(
                "SPHERE_NEW_IDS_PER_MINUTE_PER_IP",
                &given.new_ids_per_minute_per_ip,
            )?,
            http_per_second: number("SPHERE_HTTP_PER_SECOND", &given.http_per_second)?,
        };
        if rates.messages_per_second > 0 && rates.messages_burst == 0 {
            return Err(wrong(
                "SPHERE_RATE_BURST",
                "must be at least 1 while SPHERE_RATE_PER_SECOND is a limit",
            ));
        }
        Ok(Self {
            listen: address("SPHERE_LISTEN", "127.0.0.1:3000", &given.listen)?,
            metrics_listen: match given.metrics_listen.as_str() {
                "" => None,
                text => Some(address("SPHERE_METRICS_LISTEN", "127.0.0.1:9464", text)?),
            },
            role,
            profile,
            rooms: rooms::rooms(&given.rooms)?,
            allowed_origins: list(&given.allowed_origins)
                .map(network::origin)
                .collect::<Result<_, _>>()?,
            trusted_proxies: list(&given.trusted_proxies)
                .map(network::network)
                .collect::<Result<_, _>>()?,
            index: match given.robots.as_str() {
                "index" => true,
                "noindex" => false,
                other => {
                    return Err(wrong(
                        "SPHERE_ROBOTS",
                        format!("must be index or noindex, not {other:?}"),
                    ));
                }
            },
            rates,
            log_format: match given.log_format.as_str() {
                "text" => LogFormat::Text,
                "json" => LogFormat::Json,
                other => {
                    return Err(wrong(
                        "SPHERE_LOG_FORMAT",
                        format!("must be text or json, not {other:?}"),
                    ));
                }
            },
            log: given.log,
            watching: !given.watching.is_empty(),
            migrate: match given.migrate.as_str() {
                "true" => true,
                "false" => false,
                other => {
                    return Err(wrong(
                        "SPHERE_MIGRATE",
                        format!("must be true or false, not {other:?}"),
                    ));
                }
            },
        })
    }
}

pub(crate) fn wrong(variable: &'static str, why: impl Into<String>) -> ConfigError {
    ConfigError {
        variable,
        why: why.into(),
    }
}

pub(crate) fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

fn address(variable: &'static str, example: &str, text: &str) -> Result<SocketAddr, ConfigError> {
    text.parse().map_err(|_| {
        wrong(
            variable,
            format!("must be an address and a port such as {example}, not {text:?}"),
        )
    })
}

fn number(variable: &'static str, text: &str) -> Result<u32, ConfigError> {
    text.parse().map_err(|_| {
        wrong(
            variable,
            format!("must be a whole number from 0 on, not {text:?}"),
        )
    })
}

#[cfg(test)]
mod tests;
