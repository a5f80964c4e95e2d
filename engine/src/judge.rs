//! Whether a result means what it says. The generator distrusts itself first, then the
//! schedule, then the answers.

use crate::count::ErrorKind;
use crate::merge::Merged;
use crate::plan::{Plan, Schedule};
use crate::result::{ErrorSample, LoadResult, Validity};
use crate::run::Shared;
use crate::starvation::WORK_NS;

/// A thread that used more of its core than this had no room to send on time.
const BUSY_SHARE: f64 = 0.95;
/// Share of planned requests that may be unsent before the schedule counts as not held.
const UNSENT_SHARE: f64 = 0.01;
/// Lateness (p99) above which an open loop's instants were not met.
const LATE_NS: u64 = 10_000_000;
/// Share of time without a core, and the longest such stretch, that still count as running.
const STARVED_SHARE: f64 = 0.05;
const STARVED_MOST_NS: u64 = 500_000_000;
/// By how much N may differ from X·R.
const LITTLE_SHARE: f64 = 0.05;

impl LoadResult {
    /// Sets validity and notes.
    pub(crate) fn judge(&mut self, shared: &Shared, merged: &Merged, open: bool) {
        let plan = &shared.plan;
        let measured_ns = self.duration_s * 1e9;
        let mut reasons = Vec::new();
        let starved = merged.starved_ns as f64 / (measured_ns * plan.threads as f64);
        if starved > STARVED_SHARE || merged.starved_most_ns > STARVED_MOST_NS {
            reasons.push(format!(
                "generator saturated: it was kept from running for {:.2} s, at the longest {:.2} s",
                merged.starved_ns as f64 / 1e9,
                merged.starved_most_ns as f64 / 1e9
            ));
        }
        let busy = self.generator.cpu_share > BUSY_SHARE && !plan.spin;
        let late = open
            && !merged.lateness.is_empty()
            && merged.lateness.value_at_quantile(0.99) > LATE_NS;
        if late {
            reasons.push(format!(
                "generator saturated: 1 % of the requests left over {:.1} ms late",
                merged.lateness.value_at_quantile(0.99) as f64 / 1e6
            ));
        } else if busy && open {
            reasons.push("generator saturated: a thread of it used its whole core".into());
        } else if busy {
            // In closed loop the connections still got what the core could give; the figures
            // are those of the generator then, which a reader must know.
            self.notes.push("generator-bound");
        }
        self.generator.bottleneck = busy || late || starved > STARVED_SHARE;
        if merged.totals.errors[ErrorKind::GeneratorLimit as usize] > 0 {
            reasons.push(
                "generator saturated: it ran out of ports, descriptors or memory (generator-limit)"
                    .into(),
            );
            self.generator.bottleneck = true;
        }
        let planned = merged.totals.planned as f64;
        if open && self.generator.unsent as f64 > UNSENT_SHARE * planned {
            reasons.push(format!(
                "schedule not held: {} of {} planned requests were not sent, for want of a free \
                 connection among {}",
                self.generator.unsent, merged.totals.planned, plan.connections
            ));
        }
        let ended = self.ok + self.failed + self.timed_out;
        if self.ok == 0 {
            reasons.push(if ended == 0 && self.in_flight == 0 {
                "nothing was sent".into()
            } else {
                format!(
                    "errors dominate: no request succeeded; {} failed, {} timed out, {} had no answer",
                    self.failed, self.timed_out, self.in_flight
                )
            });
        } else if 2 * (self.failed + self.timed_out) > ended {
            reasons.push(format!(
                "errors dominate: {} of {ended} requests failed or timed out",
                self.failed + self.timed_out
            ));
        }
        if let Some(died) = self.died() {
            reasons.push(died);
        }
        if let Some(broken) = self.little(merged, plan, measured_ns) {
            reasons.push(broken);
        }
        let answered = self.ok + self.failed;
        if plan.keep_alive && merged.totals.closed_by_server * 2 > answered && answered > 1 {
            self.notes.push("keep-alive-off");
        }
        if merged.totals.garbage > 0 {
            self.notes.push("garbage-after-response");
        }
        if merged.interrupted {
            self.notes.push("interrupted");
        }
        if self.connections.never_served > 0 {
            self.notes.push("connections-never-served");
        }
        if !reasons.is_empty() {
            self.validity = Validity { status: "invalid", reasons };
        }
    }

    /// Answers stopped and connections broke from then on: the rate over the whole time would
    /// mix the service's life and its death.
    fn died(&self) -> Option<String> {
        let silence = self.silence.as_ref().filter(|s| s.until_end)?;
        let broke = |kind: &str| matches!(kind, "connect-refused" | "connect-reset" | "reset");
        let since = |s: &&ErrorSample| broke(&s.kind) && s.last_s >= silence.from_s;
        let count: u64 = self.error_samples.iter().filter(since).map(|s| s.count).sum();
        (count > 0 && self.ok > 0).then(|| {
            format!(
                "the service died: no answer after {:.1} s of {:.1} s, and {count} connections \
                 were refused or reset",
                silence.from_s, self.duration_s
            )
        })
    }

    /// Little's law, N = X·R, in its exact form over a finite window: the integral of requests
    /// in flight, made of the very stamps that were recorded, against N slots for that time.
    /// Time in which slots connected or thought is known and excused; time in which they backed
    /// off after errors is told by the errors. It is checked in every interval and for the whole.
    fn little(&self, merged: &Merged, plan: &Plan, measured_ns: f64) -> Option<String> {
        let Schedule::Closed { think_time_s } = plan.schedule else { return None };
        // A run that ended by count leaves slots idle at its end.
        let clean = self.failed + self.timed_out == 0 && self.connections.failed == 0;
        if merged.counted || !clean {
            return None;
        }
        let slots = plan.connections as f64;
        // Each thread's slots for that thread's own time, which ends where the thread was late to.
        let off = |busy: u128, excused: u128, slot_ns: u128| {
            (1.0 - (busy + excused) as f64 / slot_ns as f64).abs()
        };
        // Think time is excused where it begins, and the last interval may be a sliver, so that
        // single intervals are judged without the one and unless they are the other. What a busy
        // core takes between two readings of the clock is no request lost from a short interval.
        let short = plan.interval_s * 0.5e9;
        let bad = merged.intervals.iter().filter(|i| !i.warmup && i.length_ns() > short);
        let bad = bad.filter(|i| {
            let share = off(i.busy_ns, i.excused_ns, i.slot_ns);
            share > LITTLE_SHARE && share * i.length_ns() > WORK_NS as f64
        });
        let bad = bad.count();
        let bad = if think_time_s > 0.0 || !plan.keep_alive { 0 } else { bad };
        let whole = off(merged.busy_ns, merged.excused_ns, merged.slot_ns) > LITTLE_SHARE;
        (whole || bad > 0).then(|| {
            let mean = merged.busy_ns as f64 / measured_ns;
            let count = merged.intervals.len();
            format!(
                "Little's law broken: {slots} connections, but {mean:.1} requests in flight on \
                 the mean, and over 5 % off in {bad} of {count} intervals"
            )
        })
    }
}
