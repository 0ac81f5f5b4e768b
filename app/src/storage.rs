//! Where this browser keeps things: names and values, as in localStorage.
//!
//! Nothing here fails. Where localStorage is refused or full, values live in memory until the page goes.

use std::{cell::RefCell, collections::BTreeMap};

/// A store of texts by key.
pub trait Storage {
    /// The value of a key.
    fn get(&self, key: &str) -> Option<String>;
    /// Sets a value; whatever stood there is gone.
    fn set(&self, key: &str, value: &str);
    /// Removes a key.
    fn remove(&self, key: &str);
    /// All keys, in no order.
    fn keys(&self) -> Vec<String>;
}

/// A store that lasts as long as it is held.
#[derive(Debug, Default)]
pub struct MemoryStorage(RefCell<BTreeMap<String, String>>);

impl Storage for MemoryStorage {
    fn get(&self, key: &str) -> Option<String> {
        self.0.borrow().get(key).cloned()
    }

    fn set(&self, key: &str, value: &str) {
        self.0.borrow_mut().insert(key.to_owned(), value.to_owned());
    }

    fn remove(&self, key: &str) {
        self.0.borrow_mut().remove(key);
    }

    fn keys(&self) -> Vec<String> {
        self.0.borrow().keys().cloned().collect()
    }
}

impl<S: Storage + ?Sized> Storage for std::rc::Rc<S> {
    fn get(&self, key: &str) -> Option<String> {
        (**self).get(key)
    }

    fn set(&self, key: &str, value: &str) {
        (**self).set(key, value);
    }

    fn remove(&self, key: &str) {
        (**self).remove(key);
    }

    fn keys(&self) -> Vec<String> {
        (**self).keys()
    }
}

/// The browser's localStorage, with memory behind it for what it refuses. All tabs of one origin share it.
#[derive(Debug, Default)]
pub struct BrowserStorage {
    local: Option<web_sys::Storage>,
    refused: MemoryStorage,
}

impl BrowserStorage {
    /// Opens it. Only in the browser.
    pub fn open() -> Self {
        let local = web_sys::window().and_then(|window| window.local_storage().ok().flatten());
        Self {
            local,
            refused: MemoryStorage::default(),
        }
    }
}

impl Storage for BrowserStorage {
    fn get(&self, key: &str) -> Option<String> {
        let local = || self.local.as_ref()?.get_item(key).ok().flatten();
        self.refused.get(key).or_else(local)
    }

    fn set(&self, key: &str, value: &str) {
        match &self.local {
            Some(local) if local.set_item(key, value).is_ok() => self.refused.remove(key),
            _ => self.refused.set(key, value),
        }
    }

    fn remove(&self, key: &str) {
        self.refused.remove(key);
        if let Some(local) = &self.local {
            // A store that refuses to remove keeps an entry that the server knows as a repeat.
            let _ = local.remove_item(key);
        }
    }

    fn keys(&self) -> Vec<String> {
        let mut keys = self.refused.keys();
        if let Some(local) = &self.local {
            let length = local.length().unwrap_or(0);
            keys.extend((0..length).filter_map(|index| local.key(index).ok().flatten()));
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}
