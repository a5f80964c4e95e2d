//! Threads' records as one: merging is addition.

use std::collections::{BTreeMap, BTreeSet};

use hdrhistogram::Histogram;

use crate::count::Counters;
use crate::drive::ThreadRecord;
use crate::record::{decode, histogram, merge, Group, RequestRecord, PULSE_NS};
use crate::result::Silence;

/// Silence shorter than this is not worth a word.
const SILENCE_S: f64 = 1.0;
/// All threads' records as one.
pub(crate) struct Merged {
    pub(crate) totals: Counters,
    pub(crate) service: Histogram<u64>,
    pub(crate) response: Histogram<u64>,
    pub(crate) first_byte: Histogram<u64>,
    pub(crate) connect: Histogram<u64>,
    pub(crate) error_time: Histogram<u64>,
    pub(crate) lateness: Histogram<u64>,
    pub(crate) codes: Vec<u64>,
    pub(crate) groups: BTreeMap<String, Group>,
    pub(crate) by_request: Vec<RequestRecord>,
    pub(crate) intervals: Vec<MergedInterval>,
    pub(crate) pulse: Vec<u8>,
    pub(crate) served: Vec<u64>,
    pub(crate) carried_in: u64,
    pub(crate) queue_peak: u64,
    pub(crate) in_flight: u64,
    pub(crate) oldest_ns: Option<u64>,
    pub(crate) queued: u64,
    pub(crate) measured_from_ns: u64,
    pub(crate) end_ns: u64,
    pub(crate) cpu_ns: u64,
    pub(crate) cpu_most_ns: u64,
    pub(crate) busy_ns: u128,
    pub(crate) excused_ns: u128,
    pub(crate) slot_ns: u128,
    pub(crate) starved_ns: u64,
    pub(crate) starved_most_ns: u64,
    pub(crate) interrupted: bool,
    pub(crate) counted: bool,
}

pub(crate) struct MergedInterval {
    pub(crate) start_ns: u64,
    pub(crate) end_ns: u64,
    pub(crate) warmup: bool,
    pub(crate) counters: Counters,
    pub(crate) in_flight: u64,
    pub(crate) queued: u64,
    pub(crate) busy_ns: u128,
    pub(crate) excused_ns: u128,
    /// The time of all slots: each thread's number of them times its own length.
    pub(crate) slot_ns: u128,
    pub(crate) service: Histogram<u64>,
    pub(crate) response: Histogram<u64>,
}

/// The planned ends that every thread reached, or had ended before: a thread that was held up
/// passes several at once, and what the others counted between them cannot be told apart from it.
fn common_bounds(threads: &[ThreadRecord]) -> Vec<u64> {
    let reached: Vec<BTreeSet<u64>> = threads
        .iter()
        .map(|thread| thread.recorder.intervals.iter().map(|i| i.planned_ns).collect())
        .collect();
    let every: BTreeSet<u64> = reached.iter().flatten().copied().collect();
    let common = |bound: &u64| {
        reached.iter().all(|set| set.contains(bound) || set.last().is_none_or(|last| last < bound))
    };
    every.into_iter().filter(common).collect()
}

impl Merged {
    pub(crate) fn of(threads: Vec<ThreadRecord>, kinds: usize) -> Self {
        let kind = RequestRecord { ok: 0, failed: 0, timed_out: 0, service: histogram() };
        let mut all = Self {
            totals: Counters::default(),
            service: histogram(),
            response: histogram(),
            first_byte: histogram(),
            connect: histogram(),
            error_time: histogram(),
            lateness: histogram(),
            codes: vec![0; 1000],
            groups: BTreeMap::new(),
            by_request: vec![kind; kinds],
            intervals: Vec::new(),
            pulse: Vec::new(),
            served: Vec::new(),
            carried_in: 0,
            queue_peak: 0,
            in_flight: 0,
            oldest_ns: None,
            queued: 0,
            measured_from_ns: 0,
            end_ns: 0,
            cpu_ns: 0,
            cpu_most_ns: 0,
            busy_ns: 0,
            excused_ns: 0,
            slot_ns: 0,
            starved_ns: 0,
            starved_most_ns: 0,
            interrupted: false,
            counted: false,
        };
        let bounds = common_bounds(&threads);
        for thread in threads {
            all.add(thread, &bounds);
        }
        all.served.sort_unstable();
        all
    }

    fn add(&mut self, thread: ThreadRecord, bounds: &[u64]) {
        let record = thread.recorder;
        let slots = thread.served.len() as u128;
        self.totals.add(&record.totals);
        merge(&mut self.service, &record.service);
        merge(&mut self.response, &record.response);
        merge(&mut self.first_byte, &record.first_byte);
        merge(&mut self.connect, &record.connect);
        merge(&mut self.error_time, &record.error_time);
        merge(&mut self.lateness, &record.lateness);
        for (sum, n) in self.codes.iter_mut().zip(&record.codes) {
            *sum += n;
        }
        for (key, group) in record.groups {
            self.groups
                .entry(key)
                .and_modify(|known| {
                    known.count += group.count;
                    known.last_ns = known.last_ns.max(group.last_ns);
                    if group.first_ns < known.first_ns {
                        known.first_ns = group.first_ns;
                        known.sample.clone_from(&group.sample);
                    }
                })
                .or_insert(group);
        }
        for (sum, part) in self.by_request.iter_mut().zip(record.by_request) {
            sum.ok += part.ok;
            sum.failed += part.failed;
            sum.timed_out += part.timed_out;
            merge(&mut sum.service, &part.service);
        }
        if self.pulse.len() < record.pulse.len() {
            self.pulse.resize(record.pulse.len(), 0);
        }
        for (sum, mark) in self.pulse.iter_mut().zip(record.pulse) {
            *sum |= mark;
        }
        let mut before: Option<(usize, u64, u64)> = None;
        for interval in record.intervals {
            let index = bounds.partition_point(|bound| *bound < interval.planned_ns);
            // What this process encoded a moment ago, it can read.
            let service = decode(&interval.service).unwrap_or_else(|_| histogram());
            let response = decode(&interval.response).unwrap_or_else(|_| histogram());
            let slot_ns = slots * u128::from(interval.end_ns - interval.start_ns);
            if let Some(sum) = self.intervals.get_mut(index) {
                // Of several intervals in one, the last one's end is the state at the end.
                let (in_flight, queued) = match before {
                    Some((same, in_flight, queued)) if same == index => (in_flight, queued),
                    _ => (0, 0),
                };
                sum.end_ns = sum.end_ns.max(interval.end_ns);
                sum.counters.add(&interval.counters);
                sum.in_flight = sum.in_flight + interval.in_flight - in_flight;
                sum.queued = sum.queued + interval.queued - queued;
                sum.busy_ns += interval.busy_ns;
                sum.excused_ns += interval.excused_ns;
                sum.slot_ns += slot_ns;
                merge(&mut sum.service, &service);
                merge(&mut sum.response, &response);
            } else {
                self.intervals.push(MergedInterval {
                    start_ns: interval.start_ns,
                    end_ns: interval.end_ns,
                    warmup: interval.warmup,
                    counters: interval.counters,
                    in_flight: interval.in_flight,
                    queued: interval.queued,
                    busy_ns: interval.busy_ns,
                    excused_ns: interval.excused_ns,
                    slot_ns,
                    service,
                    response,
                });
            }
            before = Some((index, interval.in_flight, interval.queued));
        }
        self.slot_ns += slots * u128::from(thread.end_ns - record.measured_from_ns);
        self.served.extend(thread.served);
        self.carried_in += record.carried_in;
        self.queue_peak += record.queue_peak;
        self.in_flight += thread.in_flight;
        self.oldest_ns = self.oldest_ns.max(thread.oldest_ns);
        self.queued += thread.queued;
        self.measured_from_ns = self.measured_from_ns.max(record.measured_from_ns);
        self.end_ns = self.end_ns.max(thread.end_ns);
        self.cpu_ns += thread.cpu_ns;
        self.cpu_most_ns = self.cpu_most_ns.max(thread.cpu_ns);
        self.busy_ns += thread.busy_ns;
        self.excused_ns += thread.excused_ns;
        self.starved_ns += thread.starved_ns;
        self.starved_most_ns = self.starved_most_ns.max(thread.starved_most_ns);
        self.interrupted |= thread.interrupted;
        self.counted |= thread.counted;
    }

    /// The longest run of slots in which requests waited and no answer ended.
    pub(crate) fn silence(&self, measured_ns: u64) -> Option<Silence> {
        let first = (self.measured_from_ns / PULSE_NS) as usize;
        let last = ((self.measured_from_ns + measured_ns - 1) / PULSE_NS) as usize;
        let (mut longest, mut longest_from, mut run) = (0, 0, 0);
        for (slot, mark) in self.pulse.iter().enumerate().take(last + 1).skip(first) {
            run = if *mark == 2 { run + 1 } else { 0 };
            if run > longest {
                (longest, longest_from) = (run, slot + 1 - run);
            }
        }
        let seconds = |slots: usize| slots as f64 * PULSE_NS as f64 / 1e9;
        (seconds(longest) >= SILENCE_S).then(|| Silence {
            from_s: seconds(longest_from),
            longest_s: seconds(longest),
            until_end: longest_from + longest >= last,
        })
    }
}

impl MergedInterval {
    pub(crate) fn length_ns(&self) -> f64 {
        self.end_ns.saturating_sub(self.start_ns).max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Edge, Recorder};

    /// A thread of one slot that reached these planned ends.
    fn thread(reached: &[u64]) -> ThreadRecord {
        let mut recorder = Recorder::new(1, false, false);
        for (number, &at) in reached.iter().enumerate() {
            let edge = Edge { in_flight: number as u64 + 1, ..Edge::default() };
            recorder.roll(at, at, edge);
        }
        ThreadRecord {
            recorder,
            served: vec![0],
            in_flight: 0,
            oldest_ns: None,
            queued: 0,
            end_ns: reached.last().copied().unwrap_or(0),
            cpu_ns: 0,
            busy_ns: 0,
            excused_ns: 0,
            starved_ns: 0,
            starved_most_ns: 0,
            interrupted: false,
            counted: false,
        }
    }

    fn ends(threads: Vec<ThreadRecord>) -> Vec<(u64, u64)> {
        let merged = Merged::of(threads, 1);
        merged.intervals.iter().map(|i| (i.end_ns, i.in_flight)).collect()
    }

    #[test]
    fn intervals_meet_where_every_thread_was() {
        let held_up = ends(vec![thread(&[10, 20, 30, 40]), thread(&[10, 30, 40])]);
        assert_eq!(held_up, [(10, 2), (30, 5), (40, 7)]);
        let other_first = ends(vec![thread(&[10, 30, 40]), thread(&[10, 20, 30, 40])]);
        assert_eq!(other_first, held_up);
    }

    #[test]
    fn a_thread_that_has_ended_holds_nobody_up() {
        assert_eq!(ends(vec![thread(&[10]), thread(&[10, 20, 30])]), [(10, 2), (20, 2), (30, 3)]);
        assert_eq!(ends(vec![thread(&[]), thread(&[10])]), [(10, 1)]);
    }

    #[test]
    fn slots_are_there_for_as_long_as_their_thread() {
        let merged = Merged::of(vec![thread(&[10, 20]), thread(&[10, 23])], 1);
        assert_eq!(merged.slot_ns, 43);
        assert_eq!(merged.intervals.iter().map(|i| i.slot_ns).sum::<u128>(), 43);
    }
}
