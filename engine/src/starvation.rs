//! Time in which the generator should have run and did not.

use crate::clock::now_ns;

/// Longer than any work between two readings of the clock takes.
pub(crate) const WORK_NS: u64 = 50_000_000;

/// Whatever keeps a thread from running (no core, a stopped process) shows as time between two
/// readings of its clock beyond what was to be expected: every wait has an end, and handling an
/// event has a usual cost. Every reading must be looked at, or a stop just before it is lost.
#[derive(Debug, Default)]
pub(crate) struct Starvation {
    pub(crate) ns: u64,
    pub(crate) most_ns: u64,
}

impl Starvation {
    /// Time passed that was expected to be at most so long.
    #[inline]
    pub(crate) fn note(&mut self, took: u64, expected: u64) {
        if took > expected {
            self.ns += took - expected;
            self.most_ns = self.most_ns.max(took - expected);
        }
    }

    /// Takes the time anew in the middle of work.
    #[inline]
    pub(crate) fn look(&mut self, now: &mut u64, counts: bool) {
        let read = now_ns();
        if counts {
            self.note(read - *now, WORK_NS);
        }
        *now = read;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_beyond_the_expected_is_lost() {
        let mut starvation = Starvation::default();
        starvation.note(10, 10);
        starvation.note(25, 10);
        starvation.note(12, 10);
        assert_eq!((starvation.ns, starvation.most_ns), (17, 15));
    }

    #[test]
    fn a_stop_before_a_reading_in_the_middle_of_work_is_seen() {
        let mut starvation = Starvation::default();
        let stopped_ns = 700_000_000;
        let mut now = now_ns() - stopped_ns;
        starvation.look(&mut now, true);
        assert!(starvation.most_ns >= stopped_ns - WORK_NS);
        let counted = starvation.ns;
        now -= stopped_ns;
        starvation.look(&mut now, false);
        assert_eq!(starvation.ns, counted);
    }
}
