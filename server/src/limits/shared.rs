//! A user's message rate over all servers: a leaky bucket in Redis, by Redis' own clock.
//!
//! Never more than a limit: when Redis is away, the caller's local bucket counts alone.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use deadpool_redis::{
    Config, Pool, Runtime, cluster,
    redis::{RedisError, Script, ScriptInvocation, ToRedisArgs as _},
};
use sphere_protocol::UserId;
use tokio::time::timeout;

use super::Exceeded;
use crate::{
    bus::{BusError, redis::Address},
    clock,
};

/// How long Redis may take; a message must not wait longer for being counted.
const CALL: Duration = Duration::from_millis(250);
/// How long Redis is left alone after it failed.
const REST_MS: i64 = 1_000;

/// The generic cell rate algorithm: one key holds the time at which the bucket will be empty, in microseconds.
/// Answers how many milliseconds to wait, 0 = counted.
const BUCKET: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval = 1000000 / ARGV[1]
local empty_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local wait = empty_at - now - interval * (ARGV[2] - 1)
if wait > 0 then return math.ceil(wait / 1000) end
empty_at = empty_at + interval
redis.call('SET', KEYS[1], string.format('%.0f', empty_at), 'PX', math.ceil((empty_at - now) / 1000) + 1)
return 0
";

/// Counts messages in Redis.
pub struct SharedBucket {
    pool: AnyPool,
    script: Script,
    per_second: u32,
    burst: u32,
    rests_until: AtomicI64,
}

impl std::fmt::Debug for SharedBucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedBucket")
            .field("per_second", &self.per_second)
            .field("burst", &self.burst)
            .finish_non_exhaustive()
    }
}

impl SharedBucket {
    /// A bucket for every user on this Redis.
    ///
    /// # Errors
    /// When the address cannot be understood.
    pub fn open(url: &str, per_second: u32, burst: u32) -> Result<Self, BusError> {
        Ok(Self {
            pool: AnyPool::open(url)?,
            script: Script::new(BUCKET),
            per_second,
            burst,
            rests_until: AtomicI64::new(0),
        })
    }

    /// Counts a message; none when Redis cannot say.
    pub async fn message(&self, user: &UserId) -> Option<Result<(), Exceeded>> {
        if clock::now().0 < self.rests_until.load(Ordering::Relaxed) {
            return None;
        }
        let counted = timeout(CALL, async {
            let mut call = self.script.key(format!("RATE:{user}"));
            call.arg(self.per_second.to_redis_args())
                .arg(self.burst.to_redis_args());
            self.pool.ask(&call).await
        });
        match counted
            .await
            .unwrap_or_else(|_| Err("no answer in time".to_owned()))
        {
            Ok(0) => Some(Ok(())),
            Ok(wait_ms) => Some(Err(Exceeded(Duration::from_millis(wait_ms)))),
            Err(error) => {
                tracing::debug!(%error, "Redis does not count; this server counts alone");
                self.rests_until
                    .store(clock::now().0 + REST_MS, Ordering::Relaxed);
                None
            }
        }
    }
}

/// Connections to one server, or to a cluster.
enum AnyPool {
    One(Pool),
    Cluster(cluster::Pool),
}

impl AnyPool {
    fn open(url: &str) -> Result<Self, BusError> {
        let failed = |error: deadpool_redis::CreatePoolError| BusError(error.to_string());
        match Address::parse(url) {
            Some(Address::One(url)) => Config::from_url(url)
                .create_pool(Some(Runtime::Tokio1))
                .map(Self::One)
                .map_err(failed),
            Some(Address::Cluster(nodes)) => cluster::Config::from_urls(nodes)
                .create_pool(Some(Runtime::Tokio1))
                .map(Self::Cluster)
                .map_err(failed),
            None => Err(BusError("this is no address of Redis".to_owned())),
        }
    }

    async fn ask(&self, call: &ScriptInvocation<'_>) -> Result<u64, String> {
        let refused = |error: RedisError| error.to_string();
        match self {
            Self::One(pool) => {
                let mut connection = pool.get().await.map_err(|error| error.to_string())?;
                call.invoke_async(&mut connection).await.map_err(refused)
            }
            Self::Cluster(pool) => {
                let mut connection = pool.get().await.map_err(|error| error.to_string())?;
                call.invoke_async(&mut connection).await.map_err(refused)
            }
        }
    }
}
