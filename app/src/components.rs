//! The parts that pages are made of. They read the signals of [`crate::chat::Chat`] and ask it for what somebody wants.

pub(crate) mod banner;
pub(crate) mod composer;
pub(crate) mod emoji_list;
pub(crate) mod empty;
pub(crate) mod formatted;
pub(crate) mod icon;
pub(crate) mod log;
pub(crate) mod message_row;
pub(crate) mod name_dialog;
pub(crate) mod room_list;
pub(crate) mod sidebar;
pub(crate) mod tile;
