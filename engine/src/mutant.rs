//! Deliberately wrong variants of the engine, to show that the calibration tests catch them.
//!
//! Built only with the feature `mutants`, into a program of its own; in every other build
//! [`is_mutant`] is the constant `false` and the code behind it does not exist.

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Mutant {
    /// Response time runs from the send: a stall is omitted.
    Omit = 1,
    /// Sends only at whole milliseconds.
    MillisecondTimer,
    /// Sends in bursts, 25 milliseconds' worth at once: no multiple of the 10 ms over which
    /// arrivals are counted, or every bin would hold one whole burst and look even.
    Burst,
    /// An unexpected status counts as success.
    CountFailures,
    /// Requests that time out are forgotten.
    DropTimeouts,
    /// A body cut short counts as whole.
    TruncatedOk,
    /// A 1xx counts as a response.
    InformationalCounts,
    /// Planned requests that were not sent are forgotten.
    DropUnsent,
    /// Closed-loop samples are "corrected" for omission.
    CorrectClosed,
    /// Service time ends at the first byte.
    FirstByteEnd,
    /// The rate is 0.3 % low.
    RateDrift,
    /// Neither the duration nor the deadline ends the run on time.
    NoDeadline,
}

/// Names as the command line of the mutant program has them.
#[cfg(feature = "mutants")]
pub const NAMES: [(&str, Mutant); 12] = [
    ("omit", Mutant::Omit),
    ("millisecond-timer", Mutant::MillisecondTimer),
    ("burst", Mutant::Burst),
    ("count-failures", Mutant::CountFailures),
    ("drop-timeouts", Mutant::DropTimeouts),
    ("truncated-ok", Mutant::TruncatedOk),
    ("informational-counts", Mutant::InformationalCounts),
    ("drop-unsent", Mutant::DropUnsent),
    ("correct-closed", Mutant::CorrectClosed),
    ("first-byte-end", Mutant::FirstByteEnd),
    ("rate-drift", Mutant::RateDrift),
    ("no-deadline", Mutant::NoDeadline),
];

#[cfg(feature = "mutants")]
static CHOSEN: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

/// Makes this process a mutant.
#[cfg(feature = "mutants")]
pub fn become_mutant(mutant: Mutant) {
    CHOSEN.store(mutant as usize, std::sync::atomic::Ordering::SeqCst);
}

/// Whether this process is that mutant.
#[cfg(feature = "mutants")]
pub fn is_mutant(mutant: Mutant) -> bool {
    CHOSEN.load(std::sync::atomic::Ordering::Relaxed) == mutant as usize
}

/// Whether this process is that mutant: never.
#[cfg(not(feature = "mutants"))]
#[inline(always)]
pub const fn is_mutant(_mutant: Mutant) -> bool {
    false
}
