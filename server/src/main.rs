//! The binary `sphere`: reads the configuration, listens, and runs the server until it is told to stop.
//!
//! Exit codes: 0 ended as asked, 1 could not run, 2 wrong configuration.

use std::{io::Write as _, process::ExitCode};

use clap::Parser as _;
use server::{
    admin,
    config::{Arguments, Config},
    run, telemetry,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

pub(crate) fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if !error.use_stderr() => {
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            return fail(
                2,
                error
                    .to_string()
                    .lines()
                    .next()
                    .unwrap_or("error: wrong arguments"),
            );
        }
    };
    let command = arguments.command.clone();
    let config = match Config::try_from(arguments) {
        Ok(config) => config,
        Err(error) => return fail(2, error),
    };
    if let Err(error) = telemetry::start(&config) {
        return fail(2, error);
    }
    match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime.block_on(async {
            match command {
                None => serve(config).await,
                Some(command) => match admin::run(command, &config).await {
                    Ok(()) => ExitCode::SUCCESS,
                    Err(error) => fail(1, error),
                },
            }
        }),
        Err(error) => fail(1, format_args!("The runtime cannot start: {error}.")),
    }
}

async fn serve(config: Config) -> ExitCode {
    let listener = match TcpListener::bind(config.listen).await {
        Ok(listener) => listener,
        Err(error) => {
            return fail(
                1,
                format_args!("SPHERE_LISTEN {} cannot be used: {error}.", config.listen),
            );
        }
    };
    let (mut terminate, mut interrupt) = match (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) {
        (Ok(terminate), Ok(interrupt)) => (terminate, interrupt),
        _ => return fail(1, "Signals cannot be received."),
    };
    if let Ok(address) = listener.local_addr() {
        // Whoever started us may have closed stdout; the server runs all the same.
        let _ = writeln!(std::io::stdout(), "listening on http://{address}");
    }
    let shutdown = async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    };
    match run(config, listener, shutdown).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(1, error),
    }
}

fn fail(code: u8, error: impl std::fmt::Display) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "{error}");
    ExitCode::from(code)
}
