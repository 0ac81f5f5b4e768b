//! The server's clock, in the wire's unit. Shown to people, never used to order anything.

use std::time::{SystemTime, UNIX_EPOCH};

use sphere_protocol::Timestamp;

/// Now; the epoch itself on a clock that stands before it.
pub fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
