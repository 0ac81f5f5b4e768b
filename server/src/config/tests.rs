//! What is set and what is not; one sentence for whatever is wrong.

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
        (["--metrics-listen", "9464"], "SPHERE_METRICS_LISTEN"),
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
        (["--robots", "all"], "SPHERE_ROBOTS"),
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
