//! Who may know whom: the borders of DESIGN section 3, read from the sources themselves.

use std::path::{Path, PathBuf};

/// A word of the code and the only places below the workspace that may have it.
const BORDERS: [(&str, &[&str]); 10] = [
    (
        "sea_orm::",
        &["server/src/store.rs", "server/src/store/", "migration/src/"],
    ),
    ("sea_query::", &["server/src/store/", "migration/src/"]),
    (
        "sqlx::",
        &[
            "server/src/store.rs",
            "server/src/store/",
            "server/src/log/embedded",
        ],
    ),
    (
        "deadpool_redis::",
        &[
            "server/src/bus/redis",
            "server/src/limits/",
            "server/src/admin/doctor.rs",
        ],
    ),
    ("rskafka::", &["server/src/log/kafka"]),
    ("metrics_exporter_prometheus", &["server/src/measure.rs"]),
    ("env::var", &["server/src/config"]),
    ("env = ", &["server/src/config"]),
    (
        "WebSocket",
        &[
            "app/src/socket.rs",
            "server/src/gateway.rs",
            "server/src/gateway/",
        ],
    ),
    ("axum::", &["server/src/"]),
];

/// Who a crate may depend on, of the workspace.
const CRATES: [(&str, &[&str]); 5] = [
    ("protocol", &[]),
    ("migration", &[]),
    ("app", &["sphere-protocol"]),
    ("frontend", &["sphere-app"]),
    (
        "server",
        &["sphere-app", "sphere-migration", "sphere-protocol"],
    ),
];

/// Modules of the server, and those that they must not know: everything points to the log and the store.
const DIRECTIONS: [(&str, &[&str]); 8] = [
    (
        "log",
        &[
            "bus", "chat", "consumer", "feed", "gateway", "history", "http", "hub", "store",
        ],
    ),
    (
        "bus",
        &[
            "chat", "consumer", "feed", "gateway", "history", "http", "hub", "store",
        ],
    ),
    (
        "store",
        &[
            "bus", "chat", "consumer", "gateway", "history", "http", "hub",
        ],
    ),
    (
        "hub",
        &[
            "bus", "chat", "consumer", "feed", "gateway", "history", "http", "log", "store",
        ],
    ),
    (
        "feed",
        &[
            "bus", "chat", "consumer", "gateway", "history", "http", "store",
        ],
    ),
    (
        "consumer",
        &["bus", "chat", "feed", "gateway", "history", "http", "hub"],
    ),
    (
        "history",
        &["bus", "chat", "consumer", "gateway", "http", "hub"],
    ),
    ("chat", &["consumer", "gateway", "history", "http", "hub"]),
];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// Every Rust file below a folder, with its path from the workspace on and its code without comments and unit tests.
fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if entry.is_dir() {
            found.extend(sources(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "rs")
            && !entry.ends_with("tests.rs")
        {
            let name = entry
                .strip_prefix(workspace())
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            let text = std::fs::read_to_string(&entry).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            let lines = code
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            found.push((name, lines.collect::<Vec<_>>().join("\n")));
        }
    }
    found
}

fn all_sources() -> Vec<(String, String)> {
    let crates = CRATES
        .iter()
        .map(|(name, _)| workspace().join(name).join("src"));
    crates.flat_map(|folder| sources(&folder)).collect()
}

#[test]
fn a_technology_is_known_in_one_place_only() {
    let sources = all_sources();
    for (word, places) in BORDERS {
        for (name, code) in &sources {
            let at_home = places.iter().any(|place| name.starts_with(place));
            assert!(
                at_home || !code.contains(word),
                "{name} must not know {word}: only {places:?}"
            );
        }
    }
}

#[test]
fn crates_depend_in_one_direction() {
    for (name, allowed) in CRATES {
        let manifest = std::fs::read_to_string(workspace().join(name).join("Cargo.toml")).unwrap();
        let own = manifest.lines().filter(|line| line.starts_with("sphere-"));
        for dependency in own.map(|line| line.split([' ', '.', '=']).next().unwrap()) {
            assert!(
                allowed.contains(&dependency),
                "{name} must not depend on {dependency}"
            );
        }
    }
}

#[test]
fn modules_of_the_server_point_to_the_log_and_the_store() {
    let sources = sources(&workspace().join("server/src"));
    for (module, strangers) in DIRECTIONS {
        let files = sources.iter().filter(|(name, _)| {
            *name == format!("server/src/{module}.rs")
                || name.starts_with(&format!("server/src/{module}/"))
        });
        for (name, code) in files {
            for used in uses(code) {
                assert!(
                    !strangers.contains(&used.as_str()),
                    "{name} must not use crate::{used}"
                );
            }
        }
    }
}

/// The modules that a file names behind `crate::`.
fn uses(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for after in code.split("crate::").skip(1) {
        let group = after.strip_prefix('{').map_or(after, |group| {
            group.split_once("};").map_or(group, |(group, _)| group)
        });
        let names: Box<dyn Iterator<Item = &str>> = if after.starts_with('{') {
            let mut depth = 0;
            Box::new(group.split(move |c| {
                depth += i32::from(c == '{') - i32::from(c == '}');
                c == ',' && depth == 0
            }))
        } else {
            Box::new(std::iter::once(group))
        };
        let word = |name: &str| {
            name.trim()
                .chars()
                .take_while(|c| c.is_ascii_lowercase() || *c == '_')
                .collect::<String>()
        };
        found.extend(names.map(word).filter(|name| !name.is_empty()));
    }
    found
}

#[test]
fn used_modules_are_found_in_every_form() {
    let code = "use crate::{a, b::{c, d}, e::F};\nuse crate::g::H;\nfn f() { crate::i::j() }";
    assert_eq!(uses(code), ["a", "b", "e", "g", "i"]);
}
