//! Limits that keep one person or one address from taking the server away from the others.
//!
//! Nothing here fails open: what cannot be counted is refused, and 0 in the configuration is the only way to switch a
//! limit off.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use governor::{
    DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};
use ipnet::IpNet;
use parking_lot::Mutex;
use sphere_protocol::UserId;

mod shared;

pub use shared::SharedBucket;

/// Bursts of requests over one socket and of HTTP requests from one address.
const BURST: NonZeroU32 = NonZeroU32::new(50).expect("50 is not 0");
/// Requests over one socket, per second.
const SOCKET_PER_SECOND: NonZeroU32 = NonZeroU32::new(10).expect("10 is not 0");

/// Too much: how long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too much; try again in {0:?}")]
pub struct Exceeded(pub Duration);

/// What the configuration says; 0 switches a limit off.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    /// Messages per second and user, over all sockets.
    pub messages_per_second: u32,
    /// Messages that may come at once.
    pub messages_burst: u32,
    /// Sockets of one address.
    pub sockets_per_address: u32,
    /// New identities per minute and address.
    pub new_ids_per_minute: u32,
    /// HTTP requests to `/api/` per second and address.
    pub http_per_second: u32,
}

/// All limits of this server.
#[derive(Debug)]
pub struct Limits {
    shared: Option<SharedBucket>,
    messages: Option<DefaultKeyedRateLimiter<UserId>>,
    new_ids: Option<DefaultKeyedRateLimiter<IpAddr>>,
    http: Option<DefaultKeyedRateLimiter<IpAddr>>,
    sockets: Arc<Mutex<HashMap<IpAddr, u32>>>,
    sockets_per_address: u32,
}

impl Limits {
    /// Limits at these rates.
    pub fn new(rates: Rates) -> Self {
        let keyed = NonZeroU32::new;
        Self {
            shared: None,
            messages: keyed(rates.messages_per_second).map(|rate| {
                let burst = NonZeroU32::new(rates.messages_burst).unwrap_or(rate);
                RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst))
            }),
            new_ids: keyed(rates.new_ids_per_minute)
                .map(|rate| RateLimiter::keyed(Quota::per_minute(rate))),
            http: keyed(rates.http_per_second)
                .map(|rate| RateLimiter::keyed(Quota::per_second(rate).allow_burst(BURST))),
            sockets: Arc::default(),
            sockets_per_address: rates.sockets_per_address,
        }
    }

    /// Counts messages over all servers that share this bucket.
    pub fn share(self, bucket: SharedBucket) -> Self {
        Self {
            shared: self.messages.is_some().then_some(bucket),
            ..self
        }
    }

    /// Counts a message of a user.
    ///
    /// # Errors
    /// [`Exceeded`]; the message does not count then.
    pub async fn message(&self, user: &UserId) -> Result<(), Exceeded> {
        let shared = match &self.shared {
            Some(bucket) => bucket.message(user).await,
            None => None,
        };
        shared.unwrap_or_else(|| check(self.messages.as_ref(), user))
    }

    /// Counts a new identity from an address.
    ///
    /// # Errors
    /// [`Exceeded`].
    pub fn new_id(&self, address: IpAddr) -> Result<(), Exceeded> {
        check(self.new_ids.as_ref(), &household(address))
    }

    /// Counts an HTTP request from an address.
    ///
    /// # Errors
    /// [`Exceeded`].
    pub fn http(&self, address: IpAddr) -> Result<(), Exceeded> {
        check(self.http.as_ref(), &household(address))
    }

    /// Counts a socket from an address for as long as the guard lives; none when there are too many.
    pub fn socket(&self, address: IpAddr) -> Option<SocketGuard> {
        let address = household(address);
        let mut sockets = self.sockets.lock();
        let count = sockets.entry(address).or_insert(0);
        if self.sockets_per_address > 0 && *count >= self.sockets_per_address {
            return None;
        }
        *count += 1;
        Some(SocketGuard {
            address,
            sockets: Arc::clone(&self.sockets),
        })
    }

    /// Forgets users and addresses that are no different from new ones. To be called now and then.
    pub fn forget(&self) {
        if let Some(messages) = &self.messages {
            messages.retain_recent();
        }
        for limiter in [&self.new_ids, &self.http].into_iter().flatten() {
            limiter.retain_recent();
        }
    }
}

/// A limit for the requests of one socket.
pub fn per_socket() -> SocketLimit {
    SocketLimit(RateLimiter::direct(
        Quota::per_second(SOCKET_PER_SECOND).allow_burst(BURST),
    ))
}

/// Counts the requests of one socket.
#[derive(Debug)]
pub struct SocketLimit(DefaultDirectRateLimiter);

impl SocketLimit {
    /// Counts a request.
    ///
    /// # Errors
    /// [`Exceeded`].
    pub fn request(&self) -> Result<(), Exceeded> {
        self.0
            .check()
            .map_err(|not_until| Exceeded(not_until.wait_time_from(DefaultClock::default().now())))
    }
}

/// A counted socket; dropping it counts it out.
#[derive(Debug)]
pub struct SocketGuard {
    address: IpAddr,
    sockets: Arc<Mutex<HashMap<IpAddr, u32>>>,
}

impl Drop for SocketGuard {
    fn drop(&mut self) {
        let mut sockets = self.sockets.lock();
        if let Some(count) = sockets.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                sockets.remove(&self.address);
            }
        }
    }
}

/// The address that limits count: behind trusted proxies the last one in `X-Forwarded-For` that is not such a proxy.
pub fn client_address(peer: IpAddr, forwarded_for: &[&str], trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|net| net.contains(&address));
    let mut address = peer.to_canonical();
    for hop in forwarded_for
        .iter()
        .rev()
        .flat_map(|value| value.rsplit(','))
    {
        if !is_trusted(address) {
            break;
        }
        // An unreadable hop was written by somebody who is not trusted: the address before it counts.
        let Ok(hop) = hop.trim().parse::<IpAddr>() else {
            break;
        };
        address = hop.to_canonical();
    }
    address
}

/// Who probably is one person: an IPv4 address, or the /64 that a provider gives a household.
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

fn check<K: Clone + Eq + std::hash::Hash>(
    limiter: Option<&DefaultKeyedRateLimiter<K>>,
    key: &K,
) -> Result<(), Exceeded> {
    let Some(limiter) = limiter else {
        return Ok(());
    };
    limiter
        .check_key(key)
        .map_err(|not_until| Exceeded(not_until.wait_time_from(DefaultClock::default().now())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_a_trusted_proxy_speaks_for_others() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let stranger = address("203.0.113.9");
        assert_eq!(
            client_address(stranger, &["198.51.100.1"], &trusted),
            stranger
        );
        assert_eq!(
            client_address(address("10.0.0.1"), &["198.51.100.1"], &trusted),
            address("198.51.100.1")
        );
        assert_eq!(
            client_address(
                address("10.0.0.1"),
                &["6.6.6.6, 198.51.100.1, 10.0.0.2"],
                &trusted
            ),
            address("198.51.100.1")
        );
        assert_eq!(
            client_address(address("10.0.0.1"), &["6.6.6.6, nonsense"], &trusted),
            address("10.0.0.1")
        );
        assert_eq!(
            client_address(address("::ffff:10.0.0.1"), &["198.51.100.1"], &trusted),
            address("198.51.100.1")
        );
    }

    #[test]
    fn a_household_shares_its_limit() {
        let rates = Rates {
            messages_per_second: 0,
            messages_burst: 0,
            sockets_per_address: 2,
            new_ids_per_minute: 0,
            http_per_second: 0,
        };
        let limits = Limits::new(rates);
        let first = limits.socket(address("2001:db8::1")).unwrap();
        let _second = limits.socket(address("2001:db8::2")).unwrap();
        assert!(limits.socket(address("2001:db8::3")).is_none());
        drop(first);
        assert!(limits.socket(address("2001:db8::3")).is_some());
    }

    #[tokio::test]
    async fn zero_switches_a_limit_off() {
        let rates = Rates {
            messages_per_second: 0,
            messages_burst: 0,
            sockets_per_address: 0,
            new_ids_per_minute: 0,
            http_per_second: 0,
        };
        let limits = Limits::new(rates);
        for _ in 0..1_000 {
            assert!(limits.message(&UserId::from("a")).await.is_ok());
        }
    }
}
