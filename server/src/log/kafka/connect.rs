//! Reaching the brokers: addresses, TLS, SASL, and a new connection whenever an old one can no longer be trusted.

use std::{path::PathBuf, sync::Arc, time::Duration};

use rskafka::{
    BackoffConfig,
    client::{
        Client, ClientBuilder, Credentials, SaslConfig,
        error::{Error, ProtocolError},
        partition::{OffsetAt, PartitionClient, UnknownTopicHandling},
    },
};
use tokio::time::timeout;

use crate::log::Partition;

/// Our own time-out around connecting.
const CALL: Duration = Duration::from_secs(3);
/// How long rskafka may pause between its attempts, all in all. The attempts come on top, so this is less than a call may
/// take: whoever waits should hear why it failed.
const RETRIES: Duration = Duration::from_millis(1_500);
/// Most bytes that are read to see whether reading works.
const TASTE: i32 = 4 << 10;
/// How long the broker may take to create a topic.
const CREATE_MS: i32 = 5_000;

/// Where the log is.
#[derive(Debug, Clone)]
pub struct KafkaConfig {
    /// `host:port` of one broker or more.
    pub brokers: Vec<String>,
    /// The topic.
    pub topic: String,
    /// Partitions of a topic that has to be created.
    pub partitions: Partition,
    /// Copies of every record of a topic that has to be created.
    pub replication_factor: i16,
    /// Certificates that the brokers' TLS certificates are checked against; none = no TLS.
    pub tls_ca_file: Option<PathBuf>,
    /// How to log in.
    pub sasl: Option<Sasl>,
}

/// How to log in at a broker.
#[derive(Clone)]
pub struct Sasl {
    /// PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.
    pub mechanism: String,
    /// Who.
    pub username: String,
    /// Its proof.
    pub password: String,
}

impl std::fmt::Debug for Sasl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sasl")
            .field("mechanism", &self.mechanism)
            .finish_non_exhaustive()
    }
}

/// Why the brokers cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KafkaError {
    /// Nobody answers.
    #[error("Kafka at {0} does not answer: {1}")]
    Away(String, String),
    /// It answers in a protocol that we do not speak.
    #[error(
        "Kafka at {0} is too old or too new for this version of Sphere (it needs Kafka 2.1 to 4.x): {1}"
    )]
    Version(String, String),
    /// It says no.
    #[error("Kafka refuses: {0}")]
    Refused(String),
    /// Who says to be whom is not believed.
    #[error(
        "Kafka at {0} refuses the login: check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD_FILE ({1})"
    )]
    Login(String, String),
    /// TLS cannot be set up.
    #[error("KAFKA_TLS_CA_FILE {0} cannot be used: {1}")]
    Tls(String, String),
}

/// Makes connections. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Connect {
    config: Arc<KafkaConfig>,
}

impl Connect {
    /// Connects to nobody yet.
    pub fn new(config: KafkaConfig) -> Self {
        Self {
            config: Arc::new(config),
        }
    }

    /// A new connection to whoever leads the partition.
    ///
    /// # Errors
    /// When it cannot be had within the time-out.
    pub async fn partition(&self, partition: Partition) -> Result<PartitionClient, KafkaError> {
        let connected = timeout(CALL, async {
            let client = self.client().await?;
            let partition = client.partition_client(
                self.config.topic.as_str(),
                partition,
                UnknownTopicHandling::Error,
            );
            partition.await.map_err(|error| self.named(error))
        });
        connected
            .await
            .unwrap_or_else(|_| Err(self.away("no answer in time")))
    }

    /// How many partitions the topic has.
    ///
    /// # Errors
    /// When the brokers do not answer, or the topic is not there.
    pub async fn partitions(&self) -> Result<Partition, KafkaError> {
        let listed = timeout(CALL, async {
            let topics = self
                .client()
                .await?
                .list_topics()
                .await
                .map_err(|error| self.named(error))?;
            let topic = topics
                .into_iter()
                .find(|topic| topic.name == self.config.topic);
            topic.ok_or_else(|| {
                KafkaError::Refused(format!("the topic {} is not there", self.config.topic))
            })
        });
        let topic = listed
            .await
            .unwrap_or_else(|_| Err(self.away("no answer in time")))?;
        Ok(Partition::try_from(topic.partitions.len()).unwrap_or(Partition::MAX))
    }

    /// Creates the topic unless it is there, and says how many partitions it has.
    ///
    /// # Errors
    /// A sentence for whoever started the server.
    pub async fn create_topic(&self) -> Result<Partition, KafkaError> {
        let KafkaConfig {
            topic,
            partitions,
            replication_factor,
            ..
        } = &*self.config;
        if let Ok(partitions) = self.partitions().await {
            return Ok(partitions);
        }
        let created = timeout(CALL * 3, async {
            let controller = self
                .client()
                .await?
                .controller_client()
                .map_err(|error| self.named(error))?;
            match controller
                .create_topic(topic.as_str(), *partitions, *replication_factor, CREATE_MS)
                .await
            {
                // Another server was faster.
                Ok(())
                | Err(Error::ServerError {
                    protocol_error: ProtocolError::TopicAlreadyExists,
                    ..
                }) => Ok(()),
                Err(error) => Err(self.named(error)),
            }
        });
        created
            .await
            .unwrap_or_else(|_| Err(self.away("no answer in time")))?;
        // The partitions get their leaders a moment later.
        let mut last = self.away("the new topic has no partitions");
        for _ in 0..20 {
            match self.partitions().await {
                Ok(count) if count > 0 => return Ok(count),
                Ok(_) => {}
                Err(error) => last = error,
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(last)
    }

    /// Reads a little: a broker that answers may still not speak the version of fetching that we do, and then nothing would
    /// be heard.
    ///
    /// # Errors
    /// [`KafkaError::Version`] above all.
    pub async fn try_out(&self) -> Result<(), KafkaError> {
        let tried = timeout(CALL * 2, async {
            let partition = self.partition(0).await?;
            let start = partition.get_offset(OffsetAt::Earliest).await;
            let start = start.map_err(|error| self.named(error))?;
            let records = partition.fetch_records(start, 1..TASTE, 0).await;
            records.map(drop).map_err(|error| self.named(error))
        });
        tried
            .await
            .unwrap_or_else(|_| Err(self.away("no answer in time")))
    }

    async fn client(&self) -> Result<Client, KafkaError> {
        let backoff = BackoffConfig {
            init_backoff: Duration::from_millis(50),
            max_backoff: Duration::from_millis(500),
            deadline: Some(RETRIES),
            ..BackoffConfig::default()
        };
        let mut builder = ClientBuilder::new(self.config.brokers.clone())
            .client_id("sphere")
            .backoff_config(backoff);
        if let Some(file) = &self.config.tls_ca_file {
            let tls =
                tls(file).map_err(|error| KafkaError::Tls(file.display().to_string(), error))?;
            builder = builder.tls_config(Arc::new(tls));
        }
        if let Some(sasl) = &self.config.sasl {
            let credentials = Credentials::new(sasl.username.clone(), sasl.password.clone());
            builder = builder.sasl_config(match sasl.mechanism.as_str() {
                "SCRAM-SHA-256" => SaslConfig::ScramSha256(credentials),
                "SCRAM-SHA-512" => SaslConfig::ScramSha512(credentials),
                _ => SaslConfig::Plain(credentials),
            });
        }
        builder.build().await.map_err(|error| self.named(error))
    }

    fn away(&self, why: &str) -> KafkaError {
        KafkaError::Away(self.config.brokers.join(","), why.to_owned())
    }

    /// rskafka's error as a sentence.
    fn named(&self, error: Error) -> KafkaError {
        // rskafka wraps what went wrong several times over, most of it as text.
        let text = error.to_string();
        let brokers = || self.config.brokers.join(",");
        match error {
            Error::ServerError {
                protocol_error: ProtocolError::UnsupportedVersion,
                ..
            } => KafkaError::Version(brokers(), text),
            _ if text.contains("certificate") => {
                let file = self.config.tls_ca_file.clone().unwrap_or_default();
                KafkaError::Tls(file.display().to_string(), text)
            }
            _ if text.to_lowercase().contains("sasl") => KafkaError::Login(brokers(), text),
            _ if text.contains("version") => KafkaError::Version(brokers(), text),
            Error::ServerError { .. } => KafkaError::Refused(text),
            _ => self.away(&text),
        }
    }
}

fn tls(file: &std::path::Path) -> Result<rustls::ClientConfig, String> {
    use rustls::pki_types::{CertificateDer, pem::PemObject as _};
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| error.to_string())? {
        roots
            .add(certificate.map_err(|error| error.to_string())?)
            .map_err(|error| error.to_string())?;
    }
    if roots.is_empty() {
        return Err("it holds no certificate".to_owned());
    }
    Ok(rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth())
}
