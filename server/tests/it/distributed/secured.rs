//! Kafka with TLS and a login, seen through `sphere doctor` and through messages; and what is said when it is wrong.

use std::path::PathBuf;

use super::Cluster;
use crate::support::{
    Client, Person, Proxy, http,
    process::output,
    server::UNLIMITED,
    services::{kafka, kafka_folder, kafka_sasl, kafka_tls},
};

/// What is told about the login.
fn login(mechanism: &str, password: &str) -> Vec<String> {
    vec![
        format!("--kafka-tls-ca-file={}", file("ca.pem")),
        format!("--kafka-sasl-mechanism={mechanism}"),
        "--kafka-sasl-username=sphere".to_owned(),
        format!("--kafka-sasl-password-file={password}"),
    ]
}

fn file(name: &str) -> String {
    PathBuf::from(kafka_folder())
        .join(name)
        .display()
        .to_string()
}

/// What the doctor says about Kafka.
async fn examined(cluster: &Cluster, more: &[String]) -> String {
    let flags = cluster.flags("all", &[]);
    let flags: Vec<&str> = flags.iter().chain(more).map(String::as_str).collect();
    let output = output(&[&flags[..], &["doctor"]].concat(), &[]).await;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = said.lines().find(|line| line.contains("Kafka: "));
    line.unwrap_or_else(|| panic!("{said} {}", String::from_utf8_lossy(&output.stderr)))
        .to_owned()
}

#[tokio::test]
async fn every_mechanism_logs_in_over_tls() {
    let mut cluster = Cluster::new().await;
    cluster.kafka = kafka_sasl();
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let said = examined(&cluster, &login(mechanism, &file("password"))).await;
        assert!(said.starts_with("ok "), "{mechanism}: {said}");
    }
    cluster.kafka = kafka_tls();
    let said = examined(&cluster, &login("", "")[..1]).await;
    assert!(said.starts_with("ok "), "without a login: {said}");
}

#[tokio::test]
async fn messages_travel_over_a_broker_with_tls_and_a_login() {
    let mut cluster = Cluster::new().await;
    cluster.kafka = kafka_sasl();
    let flags = login("SCRAM-SHA-512", &file("password"));
    let flags: Vec<&str> = flags.iter().map(String::as_str).chain(UNLIMITED).collect();
    let server = cluster.start("all", &flags).await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &["room1"]).await;
    for n in 0..20 {
        ada.say("room1", &format!("{n}")).await;
    }
    assert_eq!(http::records(server.address, "room1").await.len(), 20);
}

#[tokio::test]
async fn a_wrong_password_and_a_wrong_certificate_are_named() {
    let mut cluster = Cluster::new().await;
    cluster.kafka = kafka_sasl();
    let wrong = cluster.folder.path().join("wrong");
    std::fs::write(&wrong, "not the password\n").unwrap();
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let said = examined(&cluster, &login(mechanism, wrong.to_str().unwrap())).await;
        assert!(
            said.starts_with("broken ") && said.contains("KAFKA_SASL_PASSWORD_FILE"),
            "{mechanism}: {said}"
        );
    }
    // The broker's own certificate is no authority that it was issued by.
    let mut flags = login("PLAIN", &file("password"));
    flags[0] = format!("--kafka-tls-ca-file={}", file("broker.crt"));
    let said = examined(&cluster, &flags).await;
    assert!(
        said.starts_with("broken ") && said.contains("KAFKA_TLS_CA_FILE"),
        "{said}"
    );
    flags[0] = format!("--kafka-tls-ca-file={}", file("password"));
    let said = examined(&cluster, &flags).await;
    assert!(
        said.contains("KAFKA_TLS_CA_FILE") && said.contains("no certificate"),
        "{said}"
    );
}

#[tokio::test]
async fn a_broker_that_is_too_old_or_too_new_is_named_so() {
    let mut cluster = Cluster::new().await;
    // The version of fetching that we speak, 4, lies outside what such a broker speaks.
    for versions in [(0, 3), (13, 17)] {
        let broker = Proxy::to_kafka_that_fetches(&kafka(), versions).await;
        cluster.kafka = broker.address();
        let said = examined(&cluster, &[]).await;
        assert!(
            said.starts_with("broken ") && said.contains("too old or too new"),
            "{versions:?}: {said}"
        );
    }
}
