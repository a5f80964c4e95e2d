//! Syncline's load engine: a plan in, a result out. Knows no Python.
//!
//! | module | is |
//! | --- | --- |
//! | [`plan`] | what is asked, from JSON |
//! | [`schedule`] | planned instants: pure functions of time and count |
//! | [`template`], `data` | requests compiled to bytes, with seeded variables and data files |
//! | [`connect`], [`tls`] | names, sockets, trust |
//! | [`http1`] | bytes to responses |
//! | [`drive`] | THE loop, in three parts: `start` (when), `opening` and `exchange` (sockets) |
//! | [`connection`] | one slot of the plan's connections |
//! | [`count`], [`record`] | counts and histograms by interval |
//! | `merge`, `judge`, [`result`] | threads' records added up, judged, shown |
//! | [`run`] | a load as a whole |

#![forbid(unsafe_code)]

pub mod clock;
pub mod connect;
pub mod connection;
pub mod count;
mod data;
pub mod drive;
mod exchange;
pub mod http1;
mod judge;
mod merge;
pub mod mutant;
mod opening;
pub mod plan;
pub mod random;
pub mod record;
pub mod result;
pub mod run;
pub mod schedule;
mod start;
mod starvation;
pub mod template;
pub mod tls;
