//! Starting: what stands on stdout and stderr, and which exit code says what.

use std::process::Output;

use tempfile::TempDir;

use crate::support::{
    Client, Person, Process, eventually, http,
    process::{binary, command, output},
    server::UNLIMITED,
    within,
};

/// A start that failed: its only line on stderr.
fn sentence(output: &Output, code: i32) -> String {
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(output.status.code(), Some(code), "{out}{err}");
    let line = err.trim_end_matches('\n');
    assert!(
        !line.is_empty() && !line.contains('\n'),
        "one sentence, not {err:?}"
    );
    line.to_owned()
}

#[tokio::test]
async fn it_says_where_it_listens_and_answers_there() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path()).await;
    assert_eq!(http::get(process.address, "/readyz").await.status, 200);
    println!(
        "listening {:?} after the start, {} KiB resident",
        process.started_in,
        process.resident()
    );
}

#[tokio::test]
async fn it_starts_from_any_folder_and_makes_its_data_folder() {
    let folder = TempDir::new().unwrap();
    let mut command = command(binary());
    command.current_dir(folder.path());
    let deep = folder.path().join("a/b/c");
    let process = Process::spawn_under(command, &deep, &[]).await;
    process.ready().await;
    Client::join(process.address, &Person::new("Ada"), &[])
        .await
        .say("room1", "Hello")
        .await;
    for file in ["log.db", "store.db", "sphere.lock"] {
        assert!(deep.join(file).exists(), "{file}");
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "and nothing else is written"
    );
}

#[tokio::test]
async fn a_wrong_value_ends_the_start_with_2_and_one_sentence_that_names_the_variable() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().to_str().unwrap();
    for (variable, value) in [
        ("SPHERE_LISTEN", "3000"),
        ("SPHERE_LISTEN", "localhost"),
        ("SPHERE_ROLE", "web"),
        ("SPHERE_ROLE", "boss"),
        ("SPHERE_ROOMS", ""),
        ("SPHERE_ROOMS", "Room 1=One"),
        ("SPHERE_ROOMS", "a=1,a=2"),
        ("SPHERE_ALLOWED_ORIGINS", "*"),
        ("SPHERE_ALLOWED_ORIGINS", "chat.example"),
        ("SPHERE_TRUSTED_PROXIES", "proxy"),
        ("SPHERE_RATE_PER_SECOND", "many"),
        ("SPHERE_RATE_BURST", "-1"),
        ("SPHERE_RATE_BURST", "0"),
        ("SPHERE_MAX_SOCKETS_PER_IP", "1.5"),
        ("SPHERE_NEW_IDS_PER_MINUTE_PER_IP", " "),
        ("SPHERE_HTTP_PER_SECOND", "4294967296"),
        ("SPHERE_LOG_FORMAT", "xml"),
        ("SPHERE_LOG", "sphere=loud"),
        ("SPHERE_MIGRATE", "yes"),
        ("REDIS_URL", "redis://localhost"),
        ("KAFKA_BROKERS", "localhost:9092"),
        ("DATABASE_URL", "postgres://localhost"),
    ] {
        let sentence = sentence(
            &output(&["--data-dir", data], &[(variable, value)]).await,
            2,
        );
        assert!(
            sentence.contains(variable) && sentence.ends_with('.'),
            "{variable}={value}: {sentence}"
        );
        let flag = format!(
            "--{}={value}",
            variable
                .trim_start_matches("SPHERE_")
                .to_lowercase()
                .replace('_', "-")
        );
        let by_flag = output(&["--data-dir", data, &flag], &[]).await;
        assert_eq!(self::sentence(&by_flag, 2), sentence, "the same by flag");
    }
    for flags in [["--no-such-flag"], ["nonsense"], ["--listen"]] {
        sentence(&output(&flags, &[]).await, 2);
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "a wrong configuration touches nothing"
    );
}

#[tokio::test]
async fn a_flag_beats_its_variable() {
    let folder = TempDir::new().unwrap();
    let mut command = command(binary());
    command.env("SPHERE_ROOMS", "a=From the variable");
    let process = Process::spawn_under(command, folder.path(), &["--rooms=b=From the flag"]).await;
    let rooms = http::get(process.address, "/api/rooms").await.json();
    assert_eq!(
        (
            rooms["rooms"][0]["title"].as_str(),
            rooms["rooms"].as_array().unwrap().len()
        ),
        (Some("From the flag"), 1)
    );
}

#[tokio::test]
async fn help_and_version_end_with_0() {
    let help = output(&["--help"], &[]).await;
    assert_eq!(help.status.code(), Some(0));
    let text = String::from_utf8(help.stdout).unwrap();
    for variable in [
        "SPHERE_LISTEN",
        "SPHERE_DATA_DIR",
        "SPHERE_ROOMS",
        "SPHERE_ALLOWED_ORIGINS",
        "SPHERE_RATE_PER_SECOND",
    ] {
        assert!(text.contains(variable), "{variable} is not in --help");
    }
    let version = output(&["--version"], &[]).await;
    assert_eq!(version.status.code(), Some(0));
    assert_eq!(
        String::from_utf8(version.stdout).unwrap().trim(),
        concat!("sphere ", env!("CARGO_PKG_VERSION"))
    );
}

#[tokio::test]
async fn a_second_process_on_one_data_folder_is_refused_and_the_first_goes_on() {
    let folder = TempDir::new().unwrap();
    let mut first = Process::start(folder.path()).await;
    let mut ada = Client::join(first.address, &Person::new("Ada"), &[]).await;
    ada.say("room1", "before").await;
    let data = folder.path().to_str().unwrap();
    let sentence = sentence(
        &output(&["--listen=127.0.0.1:0", "--data-dir", data], &[]).await,
        1,
    );
    assert!(
        sentence.contains(data) && sentence.ends_with('.'),
        "{sentence}"
    );
    ada.say("room1", "after").await;
    first.kill().await;
    // The system lets go of the folder however the process ended.
    let second = Process::start(folder.path()).await;
    assert_eq!(http::records(second.address, "room1").await.len(), 2);
}

#[tokio::test]
async fn what_cannot_be_used_ends_the_start_with_1_and_one_sentence() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listen = format!("--listen={}", taken.local_addr().unwrap());
    let shown = data.to_str().unwrap();
    let said = sentence(&output(&[&listen, "--data-dir", shown], &[]).await, 1);
    assert!(
        said.contains("SPHERE_LISTEN") && said.ends_with('.'),
        "{said}"
    );
    std::fs::write(&data, "a file, not a folder").unwrap();
    let said = sentence(
        &output(&["--listen=127.0.0.1:0", "--data-dir", shown], &[]).await,
        1,
    );
    assert!(said.contains(shown) && said.ends_with('.'), "{said}");
    std::fs::remove_file(&data).unwrap();
    std::fs::create_dir(&data).unwrap();
    std::fs::write(
        data.join("log.db"),
        "not a database, but more than an empty file",
    )
    .unwrap();
    let said = sentence(
        &output(&["--listen=127.0.0.1:0", "--data-dir", shown], &[]).await,
        1,
    );
    assert!(said.contains("log") && said.ends_with('.'), "{said}");
}

#[tokio::test]
async fn a_store_without_its_log_is_refused() {
    let folder = TempDir::new().unwrap();
    let mut process = Process::start(folder.path()).await;
    let mut ada = Client::join(process.address, &Person::new("Ada"), &[]).await;
    ada.say("room1", "stored").await;
    eventually("the store to catch up", async || {
        http::get(process.address, "/healthz").await.json()["partitions"][0]["stored"] == 1
    })
    .await;
    process.kill().await;
    for file in ["log.db", "log.db-wal", "log.db-shm"] {
        let _ = std::fs::remove_file(folder.path().join(file));
    }
    let data = format!("--data-dir={}", folder.path().display());
    let said = sentence(&output(&["--listen=127.0.0.1:0", &data], &[]).await, 1);
    assert!(said.contains("log.db") && said.ends_with('.'), "{said}");
}

#[tokio::test]
async fn a_closed_stdout_does_not_stop_it() {
    let folder = TempDir::new().unwrap();
    let port = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let mut command = command("sh");
    command
        .arg("-c")
        .arg("exec \"$0\" \"$@\" >&-")
        .arg(binary());
    command
        .arg(format!("--listen={port}"))
        .arg(format!("--data-dir={}", folder.path().display()))
        .args(UNLIMITED);
    let mut child = command.spawn().unwrap();
    eventually("a server that is ready", async || {
        http::try_request(port, "GET", "/readyz", &[])
            .await
            .is_ok_and(|ready| ready.status == 200)
    })
    .await;
    within("the end", child.kill()).await.unwrap();
}
