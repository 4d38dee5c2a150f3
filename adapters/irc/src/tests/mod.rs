//! The adapter against servers: a scripted one, and a real one where it is installed.
mod conformance;
mod ircd;
mod real;
mod scenes;
