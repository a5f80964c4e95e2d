//! Syncline's load engine: a plan in, a result out. Knows no Python.
//!
//! | module | is |
//! | --- | --- |
//! | [`plan`] | what is asked, from JSON |
//! | [`schedule`] | planned instants: pure functions of time and count |
//! | [`template`] | requests compiled to bytes, with seeded variables |
//! | [`connect`], [`tls`] | names, sockets, trust |
//! | [`http1`] | bytes to responses |
//! | [`connection`], [`drive`], `exchange` | THE loop |
//! | [`record`] | counts and histograms by interval; merging is addition |
//! | [`result`] | records merged and judged |
//! | [`run`] | a load as a whole |

#![forbid(unsafe_code)]

pub mod clock;
pub mod connect;
pub mod connection;
mod csv;
pub mod drive;
mod exchange;
pub mod http1;
pub mod mutant;
pub mod plan;
pub mod random;
pub mod record;
pub mod result;
pub mod run;
pub mod schedule;
pub mod template;
pub mod tls;
