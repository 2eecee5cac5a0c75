//! The tracking server, as its clients and its attackers meet it.

mod security;
mod support;
