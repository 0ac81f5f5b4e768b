//! What a server does wrong when it is asked to, so that the checker (`bench check --bite`) can prove that it would notice.
//!
//! Only a build with the cargo feature `faults` can do wrong; in every other one [`on`] is `false` when it is compiled.

/// Something that a server must never do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Acknowledge before the log has the record.
    AckBeforeAppend,
    /// Store a repeat as a message of its own.
    NoUniqueKey,
    /// Let a repeat through the feed as if it were the first.
    NoDeduplication,
    /// Rely on the bus: do not follow the log.
    HintsOnly,
    /// Move the offset in one transaction and store the rows in the next.
    OffsetApart,
    /// Write a batch before the one before it is answered.
    TwoBatches,
}

#[cfg(feature = "faults")]
static CHOSEN: std::sync::OnceLock<Vec<Fault>> = std::sync::OnceLock::new();

/// Whether this server is to do that.
pub fn on(fault: Fault) -> bool {
    #[cfg(feature = "faults")]
    let chosen = CHOSEN.get().is_some_and(|chosen| chosen.contains(&fault));
    #[cfg(not(feature = "faults"))]
    let chosen = {
        let _ = fault;
        false
    };
    chosen
}

/// Chooses what to do wrong, by names with commas between them.
///
/// # Errors
/// The name that there is not.
#[cfg(feature = "faults")]
pub fn choose(names: &str) -> Result<(), String> {
    let fault = |name: &str| match name {
        "ack_before_append" => Ok(Fault::AckBeforeAppend),
        "no_unique_key" => Ok(Fault::NoUniqueKey),
        "no_deduplication" => Ok(Fault::NoDeduplication),
        "hints_only" => Ok(Fault::HintsOnly),
        "offset_apart" => Ok(Fault::OffsetApart),
        "two_batches" => Ok(Fault::TwoBatches),
        other => Err(format!("has {other:?}: there is no such fault")),
    };
    let names = names.split(',').filter(|name| !name.is_empty());
    let chosen = names.map(fault).collect::<Result<_, _>>()?;
    // A process is configured once.
    let _ = CHOSEN.set(chosen);
    Ok(())
}
