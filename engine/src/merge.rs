//! Threads' records as one: merging is addition.

use std::collections::BTreeMap;

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
    pub(crate) service: Histogram<u64>,
    pub(crate) response: Histogram<u64>,
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
            starved_ns: 0,
            starved_most_ns: 0,
            interrupted: false,
            counted: false,
        };
        for thread in threads {
            all.add(thread);
        }
        all.served.sort_unstable();
        all
    }

    fn add(&mut self, thread: ThreadRecord) {
        let record = thread.recorder;
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
        for (index, interval) in record.intervals.into_iter().enumerate() {
            // What this process encoded a moment ago, it can read.
            let service = decode(&interval.service).unwrap_or_else(|_| histogram());
            let response = decode(&interval.response).unwrap_or_else(|_| histogram());
            if let Some(sum) = self.intervals.get_mut(index) {
                sum.end_ns = sum.end_ns.max(interval.end_ns);
                sum.counters.add(&interval.counters);
                sum.in_flight += interval.in_flight;
                sum.queued += interval.queued;
                sum.busy_ns += interval.busy_ns;
                sum.excused_ns += interval.excused_ns;
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
                    service,
                    response,
                });
            }
        }
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
