//! Who this browser is: a public id and the secret that proves it, made here, without a request.
//!
//! Both lie in the storage as plain text under `anonymousUserId` and `anonymousUserSecret`, so all tabs are one person.

use sphere_protocol::{Timestamp, UserId, client::Anonymous, ids::is_secret, name};

use crate::storage::Storage;

/// The storage key of the id.
pub const USER_ID: &str = "anonymousUserId";
/// The storage key of the secret; it is written after the id.
pub const USER_SECRET: &str = "anonymousUserSecret";
/// The storage key of the display name, if one was chosen.
const USER_NAME: &str = "userName";

/// The pair that the storage holds, if it is whole.
pub fn stored(storage: &impl Storage) -> Option<Anonymous> {
    let user_id = UserId::from(storage.get(USER_ID)?);
    let secret = storage.get(USER_SECRET)?;
    (user_id.is_anonymous() && is_secret(&secret)).then_some(Anonymous { user_id, secret })
}

/// Makes a new pair and keeps it.
pub fn renew(storage: &impl Storage, now: Timestamp, random: [u8; 25]) -> Anonymous {
    let pair = make(now, random);
    storage.set(USER_ID, pair.user_id.as_str());
    storage.set(USER_SECRET, &pair.secret);
    pair
}

/// The display name, if one was chosen.
pub fn chosen_name(storage: &impl Storage) -> Option<String> {
    storage.get(USER_NAME).filter(|name| name::is_valid(name))
}

/// Keeps the display name; none forgets it.
pub fn choose_name(storage: &impl Storage, name: Option<&str>) {
    match name {
        Some(name) => storage.set(USER_NAME, name),
        None => storage.remove(USER_NAME),
    }
}

/// Nine bytes become the id's base-36 digits, sixteen the secret.
fn make(now: Timestamp, random: [u8; 25]) -> Anonymous {
    let digit =
        |byte: &u8| char::from(b"0123456789abcdefghijklmnopqrstuvwxyz"[usize::from(byte % 36)]);
    let tail: String = random[..9].iter().map(digit).collect();
    let secret = random[9..]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Anonymous {
        user_id: format!("anon_{}_{tail}", now.0).into(),
        secret,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::MemoryStorage;

    #[test]
    fn a_new_pair_is_well_formed_and_stays() {
        let storage = MemoryStorage::default();
        let pair = renew(&storage, Timestamp(1_737_708_000_000), [255; 25]);
        assert!(pair.user_id.is_anonymous());
        assert!(is_secret(&pair.secret));
        assert_eq!(stored(&storage), Some(pair));
    }

    #[test]
    fn half_a_pair_is_none() {
        let storage = MemoryStorage::default();
        storage.set(USER_ID, "anon_1737708000000_k3j9d8f2a");
        assert_eq!(stored(&storage), None);
        storage.set(USER_SECRET, "too short");
        assert_eq!(stored(&storage), None);
    }

    #[test]
    fn a_name_that_nobody_may_have_is_not_used() {
        let storage = MemoryStorage::default();
        choose_name(&storage, Some(" "));
        assert_eq!(chosen_name(&storage), None);
        choose_name(&storage, Some("Ada"));
        assert_eq!(chosen_name(&storage), Some("Ada".to_owned()));
    }
}
