//! Who a connection is. An anonymous id is public; the secret beside it proves it. Its hash is bound to the id by the
//! id's first message, so nothing is stored about somebody who only reads.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sphere_protocol::{UserId, client::Anonymous, ids::is_secret, name::ANONYMOUS, server::Me};
use unicode_normalization::UnicodeNormalization as _;

use crate::{
    clock,
    log::record::Author,
    store::{Store, StoreError},
};

/// SHA-256 of a secret, in hexadecimal. The secret has 128 random bits: a slow hash would protect nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyHash(Arc<str>);

impl KeyHash {
    fn of(secret: &str) -> Self {
        use fmt::Write as _;
        let hex = Sha256::digest(secret.as_bytes()).iter().fold(
            String::with_capacity(64),
            |mut hex, byte| {
                // Writing to a String cannot fail.
                let _ = write!(hex, "{byte:02x}");
                hex
            },
        );
        Self(hex.into())
    }
}

impl From<String> for KeyHash {
    fn from(hash: String) -> Self {
        Self(hash.into())
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(…)")
    }
}

/// Why somebody is not who they say.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The id is malformed, or bound to another secret.
    #[error("the identity is refused")]
    Refused,
    /// Nobody can say at the moment.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The user of a connection, shared by everything that the connection does at the same time.
#[derive(Debug)]
pub struct Identity {
    user: UserId,
    key_hash: KeyHash,
    name: Mutex<String>,
    bound: AtomicBool,
}

impl Identity {
    /// Who says `hello`. With the store away the identity is not yet proven; the first message will have to.
    ///
    /// # Errors
    /// [`IdentityError::Refused`] for a malformed identity or another secret than the id is bound to.
    pub async fn open(
        store: &Store,
        anonymous: &Anonymous,
        name: Option<String>,
    ) -> Result<Self, IdentityError> {
        if !anonymous.user_id.is_anonymous() || !is_secret(&anonymous.secret) {
            return Err(IdentityError::Refused);
        }
        let key_hash = KeyHash::of(&anonymous.secret);
        let row = store.user(&anonymous.user_id).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot look an identity up; it will be proven when it writes");
            None
        });
        if row.as_ref().is_some_and(|row| row.key_hash != key_hash) {
            return Err(IdentityError::Refused);
        }
        let bound = row.is_some();
        let stored = row.map(|row| row.name);
        let renamed = name
            .as_ref()
            .filter(|name| bound && stored.as_ref() != Some(*name));
        if let Some(name) = renamed
            && let Err(error) = store.rename_user(&anonymous.user_id, name).await
        {
            tracing::warn!(%error, "a name could not be stored");
        }
        let name = name.or(stored).unwrap_or_else(|| ANONYMOUS.to_owned());
        let user = anonymous.user_id.clone();
        Ok(Self {
            user,
            key_hash,
            name: Mutex::new(name),
            bound: AtomicBool::new(bound),
        })
    }

    /// The id.
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// What `welcome` says about the connection.
    pub fn me(&self) -> Me {
        Me {
            user_id: self.user.clone(),
            user_name: self.name.lock().clone(),
            user_image: self.user.image(),
        }
    }

    /// What a record says about its author.
    pub fn author(&self) -> Author {
        Author {
            user_id: self.user.clone(),
            user_name: self.name.lock().clone(),
            key_hash: self.key_hash.clone(),
        }
    }

    /// Whether the id is known to belong to this connection's secret.
    pub fn is_bound(&self) -> bool {
        self.bound.load(Ordering::Acquire)
    }

    /// Binds the id to the secret; whoever comes first wins.
    ///
    /// # Errors
    /// [`IdentityError::Refused`] when somebody else was first.
    pub async fn bind(&self, store: &Store) -> Result<(), IdentityError> {
        let name = self.name.lock().clone();
        let row = store
            .bind_user(&self.user, &self.key_hash, &name, clock::now())
            .await?;
        if row.key_hash != self.key_hash {
            return Err(IdentityError::Refused);
        }
        self.bound.store(true, Ordering::Release);
        Ok(())
    }

    /// Takes a new name; stored at once if the id has a row, otherwise with its first message.
    ///
    /// # Errors
    /// When the store does not answer; the name is then unchanged.
    pub async fn rename(&self, store: &Store, name: &str) -> Result<(), StoreError> {
        if self.is_bound() {
            store.rename_user(&self.user, name).await?;
        }
        self.take_name(name);
        Ok(())
    }

    /// Takes the name that another connection of the same user has stored.
    pub fn take_name(&self, name: &str) {
        name.clone_into(&mut self.name.lock());
    }
}

/// A display name as it is stored: trimmed and in normal form C, if it then obeys the rules.
pub fn display_name(name: &str) -> Option<String> {
    let name: String = name.trim().nfc().collect();
    sphere_protocol::name::is_valid(&name).then_some(name)
}
