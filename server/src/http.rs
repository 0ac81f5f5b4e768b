//! Everything that is asked over plain HTTP: pages, the read API, files, avatars, health.

pub mod address;
pub mod api;
pub mod archive;
pub mod assets;
pub mod avatar;
pub mod health;
pub mod origin;
pub mod pages;
pub mod problem;
pub mod security;
