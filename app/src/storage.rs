//! Where this browser keeps things: names and values, as in localStorage.
//!
//! Nothing here fails. Where localStorage is refused or full, values live in memory until the page goes.

use std::cell::RefCell;

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
pub struct MemoryStorage(RefCell<Vec<(String, String)>>);

impl Storage for MemoryStorage {
    fn get(&self, key: &str) -> Option<String> {
        let entries = self.0.borrow();
        let entry = entries.iter().find(|(name, _)| name == key)?;
        Some(entry.1.clone())
    }

    fn set(&self, key: &str, value: &str) {
        self.remove(key);
        self.0.borrow_mut().push((key.to_owned(), value.to_owned()));
    }

    fn remove(&self, key: &str) {
        self.0.borrow_mut().retain(|(name, _)| name != key);
    }

    fn keys(&self) -> Vec<String> {
        self.0
            .borrow()
            .iter()
            .map(|(name, _)| name.clone())
            .collect()
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
            let found = (0..local.length().unwrap_or(0))
                .filter_map(|index| local.key(index).ok().flatten());
            for key in found {
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
        keys
    }
}
