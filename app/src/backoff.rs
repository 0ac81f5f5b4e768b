//! How long to wait before the next attempt to connect: full jitter, so that thousands of clients do not come back in step.

/// Shortest wait, in milliseconds.
const FLOOR: f64 = 500.0;
/// Longest wait, in milliseconds.
const CAP: f64 = 30_000.0;

/// The wait before attempt `attempt` (from 0). `chance` lies between 0 and 1.
pub fn delay(attempt: u32, chance: f64) -> u64 {
    let ceiling = (FLOOR * 2_f64.powi(i32::try_from(attempt.min(16)).unwrap_or(16) + 1)).min(CAP);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 500 and 30,000"
    )]
    let wait = (FLOOR + chance.clamp(0.0, 1.0) * (ceiling - FLOOR)) as u64;
    wait
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_attempts_come_soon_and_the_later_ones_spread_over_half_a_minute() {
        assert_eq!((delay(0, 0.0), delay(0, 1.0)), (500, 1_000));
        assert_eq!((delay(3, 0.0), delay(3, 1.0)), (500, 8_000));
        assert_eq!((delay(u32::MAX, 0.0), delay(u32::MAX, 1.0)), (500, 30_000));
    }
}
