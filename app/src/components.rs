//! The parts that pages are made of. They read the signals of [`crate::chat::Chat`] and ask it for what somebody wants.
//!
//! What changes in a view is given as a `Signal::derive`, not as a closure: every closure is a type of its own, and each
//! type costs the reader a kilobyte of code for building, hydrating and updating it. One `Signal<bool>` serves them all.

pub(crate) mod banner;
pub(crate) mod composer;
pub(crate) mod emoji_list;
pub(crate) mod empty;
pub(crate) mod formatted;
pub(crate) mod icon;
pub(crate) mod keys;
pub(crate) mod log;
pub(crate) mod message_row;
pub(crate) mod overlay;
pub(crate) mod room_list;
pub(crate) mod settings;
pub(crate) mod sidebar;
pub(crate) mod switcher;
pub(crate) mod tile;
pub(crate) mod tools;
