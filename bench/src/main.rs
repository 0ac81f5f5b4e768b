//! The binary `bench`: `check`, `load`. Exit codes: 0 everything held, 1 something did not, 2 the set-up failed.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use bench::{Failure, bite, check, cluster::Places, load, report::page, say};
use clap::{Args, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

/// Breaks a whole Sphere on purpose, and measures it.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Proves that nothing acknowledged is lost, doubled or out of order while everything is broken.
    Check {
        #[command(flatten)]
        given: Given,
        /// Each fault once, one at a time: about four minutes.
        #[arg(long)]
        short: bool,
        /// Every fault, then pairs of them.
        #[arg(long, conflicts_with = "short")]
        long: bool,
        /// How long the long check lasts, in minutes.
        #[arg(long, default_value_t = 20)]
        minutes: u64,
        /// Proves that the check would notice: each wrong server or client must be found out.
        #[arg(long, conflicts_with_all = ["short", "long"], num_args = 0..=1, default_missing_value = "all")]
        bite: Option<String>,
        /// The binary with the feature `faults`; `--bite` needs it.
        #[arg(long, env = "SPHERE_FAULTS_BIN")]
        faulty: Option<PathBuf>,
        /// All that is random follows from it.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Measures: how late messages are, calm and while parts are away; how fast the consumer stores.
    Load {
        #[command(flatten)]
        given: Given,
        /// How long each figure is measured, in seconds.
        #[arg(long, default_value_t = 20)]
        seconds: u64,
        /// How often; the medians are printed.
        #[arg(long, default_value_t = 3)]
        runs: usize,
        /// Only the figures whose names begin so.
        #[arg(long, default_value = "")]
        only: String,
    },
}

#[derive(Debug, Args)]
struct Given {
    /// The binary under test.
    #[arg(long, env = "SPHERE_BIN")]
    sphere: PathBuf,
    /// Folder of Kafka's jars.
    #[arg(long, env = "KAFKA_LIBS")]
    kafka_libs: PathBuf,
    /// A PostgreSQL in which databases may be made.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: String,
    /// Folder of the report, the histories and the processes' lines.
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

impl From<&Given> for Places {
    fn from(given: &Given) -> Self {
        Self {
            sphere: given.sphere.clone(),
            kafka_libs: given.kafka_libs.clone(),
            database_url: given.database_url.clone(),
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = tokio::select! {
        outcome = run(Arguments::parse().command) => outcome,
        // Whatever was started ends with us.
        signal = stopped() => Err(signal),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            say(format_args!("bench: {error}"));
            ExitCode::from(2)
        }
    }
}

async fn stopped() -> Failure {
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return "signals cannot be received".into();
    };
    tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    "stopped".into()
}

async fn run(command: Command) -> Result<bool, Failure> {
    match command {
        Command::Check {
            given,
            bite: Some(name),
            faulty,
            seed,
            ..
        } => {
            let places = Places {
                sphere: faulty.ok_or(
                    "--faulty or SPHERE_FAULTS_BIN must name the binary that can do wrong",
                )?,
                ..Places::from(&given)
            };
            bite::bite(&places, &name, seed, &given.out.join("bite")).await
        }
        Command::Check {
            given,
            long,
            minutes,
            seed,
            ..
        } => {
            let (kind, plan) = if long {
                (
                    "long",
                    check::Plan::long(seed, Duration::from_secs(minutes * 60)),
                )
            } else {
                ("short", check::Plan::short(seed))
            };
            let out = given.out.join(kind);
            let _ = std::fs::remove_dir_all(&out);
            std::fs::create_dir_all(&out)?;
            let report = check::check(&Places::from(&given), plan, &out).await?;
            let file = out.join("report.html");
            std::fs::write(&file, page::page(&report))?;
            report.summary();
            say(format_args!("report: {}", file.display()));
            Ok(report.passed())
        }
        Command::Load {
            given,
            seconds,
            runs,
            only,
        } => {
            load::load(
                &Places::from(&given),
                Duration::from_secs(seconds),
                runs,
                &only,
                &given.out,
            )
            .await
        }
    }
}
