//! The configuration: environment variables and flags, checked once at the start. The only place that reads either.
//!
//! A wrong value is answered with one sentence that names the variable and says what would be right.

use std::{net::SocketAddr, path::PathBuf};

use axum::http::HeaderValue;
use clap::Parser;
use ipnet::IpNet;
use sphere_protocol::RoomName;

use crate::limits::Rates;

pub mod distributed;

pub use distributed::Distributed;

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

/// A room of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomTitle {
    /// The room's name.
    pub name: RoomName,
    /// What people call it.
    pub title: String,
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
        let listen = given.listen.parse().map_err(|_| {
            wrong(
                "SPHERE_LISTEN",
                format!(
                    "must be an address and a port such as 127.0.0.1:3000, not {:?}",
                    given.listen
                ),
            )
        })?;
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
            listen,
            role,
            profile,
            rooms: rooms(&given.rooms)?,
            allowed_origins: list(&given.allowed_origins)
                .map(origin)
                .collect::<Result<_, _>>()?,
            trusted_proxies: list(&given.trusted_proxies)
                .map(network)
                .collect::<Result<_, _>>()?,
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

fn number(variable: &'static str, text: &str) -> Result<u32, ConfigError> {
    text.parse().map_err(|_| {
        wrong(
            variable,
            format!("must be a whole number from 0 on, not {text:?}"),
        )
    })
}

fn rooms(text: &str) -> Result<Vec<RoomTitle>, ConfigError> {
    let mut rooms: Vec<RoomTitle> = Vec::new();
    for item in list(text) {
        let (name, title) = item.split_once('=').unwrap_or((item, item));
        let room = RoomTitle {
            name: RoomName::from(name.trim()),
            title: title.trim().to_owned(),
        };
        if !room.name.is_valid() {
            return Err(wrong(
                "SPHERE_ROOMS",
                format!("has the name {name:?}: names have 1 to 64 of a-z, 0-9, _ and -"),
            ));
        }
        if room.title.is_empty() {
            return Err(wrong(
                "SPHERE_ROOMS",
                format!("gives the room {name:?} an empty title"),
            ));
        }
        if rooms.iter().any(|other| other.name == room.name) {
            return Err(wrong(
                "SPHERE_ROOMS",
                format!("names the room {name:?} twice"),
            ));
        }
        rooms.push(room);
    }
    if rooms.is_empty() {
        return Err(wrong(
            "SPHERE_ROOMS",
            "must name at least one room, as name=title",
        ));
    }
    Ok(rooms)
}

fn origin(text: &str) -> Result<HeaderValue, ConfigError> {
    let error = || {
        wrong(
            "SPHERE_ALLOWED_ORIGINS",
            format!(
                "has {text:?}: an origin is scheme, host and port, such as https://chat.example"
            ),
        )
    };
    let (scheme, host) = text.split_once("://").ok_or_else(error)?;
    let plain = matches!(scheme, "http" | "https")
        && !host.is_empty()
        && !host.contains(['/', '*', '?', '#', '@', ' ']);
    if !plain {
        return Err(error());
    }
    HeaderValue::from_str(text).map_err(|_| error())
}

fn network(text: &str) -> Result<IpNet, ConfigError> {
    let address = || text.parse::<std::net::IpAddr>().map(IpNet::from);
    text.parse::<IpNet>().or_else(|_| address()).map_err(|_| {
        wrong(
            "SPHERE_TRUSTED_PROXIES",
            format!("has {text:?}: give addresses or networks such as 10.0.0.0/8"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The addresses of the distributed profile are empty unless given, whatever the environment says.
    fn config(arguments: &[&str]) -> Result<Config, ConfigError> {
        let addresses = ["--kafka-brokers", "--redis-url", "--database-url"];
        let given = |flag: &str| arguments.iter().any(|argument| argument.starts_with(flag));
        let empty = addresses
            .iter()
            .filter(|flag| !given(flag))
            .map(|flag| format!("{flag}="));
        let all = arguments
            .iter()
            .map(|argument| (*argument).to_owned())
            .chain(empty);
        Arguments::parse_from(std::iter::once("sphere".to_owned()).chain(all)).try_into()
    }

    #[test]
    fn nothing_set_is_a_working_server_with_four_rooms() {
        let config = config(&[]).unwrap();
        let names: Vec<_> = config.rooms.iter().map(|room| room.name.as_str()).collect();
        assert_eq!(names, ["room1", "room2", "room3", "room4"]);
        assert!(config.migrate);
    }

    #[test]
    fn a_wrong_value_is_one_sentence_that_names_the_variable() {
        for (arguments, variable) in [
            (["--listen", "3000"], "SPHERE_LISTEN"),
            (["--rooms", "Room 1=x"], "SPHERE_ROOMS"),
            (["--rooms", "a=1,a=2"], "SPHERE_ROOMS"),
            (["--rooms", ","], "SPHERE_ROOMS"),
            (["--rate-per-second", "-1"], "SPHERE_RATE_PER_SECOND"),
            (["--rate-burst", "0"], "SPHERE_RATE_BURST"),
            (
                ["--allowed-origins", "chat.example"],
                "SPHERE_ALLOWED_ORIGINS",
            ),
            (
                ["--allowed-origins", "https://chat.example/"],
                "SPHERE_ALLOWED_ORIGINS",
            ),
            (["--trusted-proxies", "proxy"], "SPHERE_TRUSTED_PROXIES"),
            (["--log-format", "xml"], "SPHERE_LOG_FORMAT"),
            (["--migrate", "yes"], "SPHERE_MIGRATE"),
            (["--role", "web"], "SPHERE_ROLE"),
            (["--redis-url", "redis://localhost"], "KAFKA_BROKERS"),
        ] {
            let [flag, value] = arguments;
            let error = config(&[&format!("{flag}={value}")])
                .expect_err(value)
                .to_string();
            assert!(
                error.starts_with(variable) && error.ends_with('.') && !error.contains('\n'),
                "{error}"
            );
        }
    }
}
