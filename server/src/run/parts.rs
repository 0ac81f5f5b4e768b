//! The adapters that the configuration chooses: embedded in this process, or Kafka, Redis and PostgreSQL.

use std::{fs::File, path::Path, sync::Arc};

use super::RunError;
use crate::{
    bus::{Bus, memory::MemoryBus, redis::RedisBus},
    config::{Config, Distributed, Profile},
    log::{MessageLog, Partition, embedded::EmbeddedLog, kafka::KafkaLog},
    store::Store,
};

/// Partitions of the embedded log.
pub const EMBEDDED_PARTITIONS: Partition = 4;

/// Log, bus and store of a server.
pub(super) struct Parts {
    pub(super) log: Arc<dyn MessageLog>,
    pub(super) bus: Arc<dyn Bus>,
    pub(super) store: Store,
    /// The embedded log, which must be trimmed; Kafka does that itself.
    pub(super) embedded: Option<Arc<EmbeddedLog>>,
    /// Held as long as the data folder is used.
    _lock: Option<File>,
}

impl Parts {
    pub(super) async fn open(config: &Config) -> Result<Self, RunError> {
        match &config.profile {
            Profile::Embedded(folder) => Self::embedded(folder, config.migrate).await,
            Profile::Distributed(distributed) => {
                Self::distributed(distributed, config.migrate).await
            }
        }
    }

    async fn embedded(folder: &Path, migrate: bool) -> Result<Self, RunError> {
        let lock = lock(folder)?;
        let log = EmbeddedLog::open(&folder.join("log.db"), EMBEDDED_PARTITIONS)
            .await
            .map_err(|error| RunError::Log(error.to_string()))?;
        Ok(Self {
            log: Arc::clone(&log) as _,
            bus: Arc::new(MemoryBus::default()),
            store: Store::open_sqlite(&folder.join("store.db"), migrate).await?,
            embedded: Some(log),
            _lock: Some(lock),
        })
    }

    async fn distributed(config: &Distributed, migrate: bool) -> Result<Self, RunError> {
        // Two libraries bring rustls; only one provider may be the process's own. Another server may have set it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let read = config.database_read_url.as_deref();
        Ok(Self {
            store: Store::open_postgres(&config.database_url, read, config.database_pool, migrate)
                .await?,
            log: KafkaLog::open(config.kafka.clone())
                .await
                .map_err(|error| RunError::Log(error.to_string()))?,
            bus: RedisBus::open(&config.redis_url)
                .map_err(|error| RunError::Bus(error.to_string()))?,
            embedded: None,
            _lock: None,
        })
    }
}

/// Takes the folder for this process; the system lets go of it however the process ends.
pub(crate) fn lock(folder: &Path) -> Result<File, RunError> {
    let shown = folder.display().to_string();
    let unusable = |error| RunError::DataDir {
        folder: shown.clone(),
        error,
    };
    std::fs::create_dir_all(folder).map_err(unusable)?;
    let file = File::create(folder.join("sphere.lock")).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(RunError::InUse(shown)),
        Err(std::fs::TryLockError::Error(error)) => Err(unusable(error)),
    }
}
