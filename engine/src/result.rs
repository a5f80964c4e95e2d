//! The result: threads' records merged, judged and written as JSON.
//!
//! `python/syncline/outcome.py` documents each field.

use std::collections::BTreeMap;

use base64::Engine;
use hdrhistogram::Histogram;
use serde::Serialize;

use crate::drive::ThreadRecord;
use crate::mutant::{is_mutant, Mutant};
use crate::plan::{Plan, Schedule};
use crate::record::{
    decode, encode, histogram, merge, Counters, ErrorKind, Group, RequestRecord, PULSE_NS, UNIT_NS,
};
use crate::run::Shared;

/// Silence shorter than this is not worth a word.
const SILENCE_S: f64 = 1.0;
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

/// A summary of a histogram, in microseconds.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)]
pub struct Quantiles {
    pub count: u64,
    pub min: f64,
    pub mean: f64,
    pub stdev: f64,
    pub p50: f64,
    pub p75: f64,
    pub p90: f64,
    pub p95: f64,
    pub p99: f64,
    pub p99_9: f64,
    pub max: f64,
}

impl Quantiles {
    /// None for an empty histogram: absent knowledge is not 0.
    pub fn of(histogram: &Histogram<u64>) -> Option<Self> {
        let us = |ns: u64| (ns * UNIT_NS) as f64 / 1e3;
        let max = histogram.max();
        let at = |quantile| us(histogram.value_at_quantile(quantile).min(max));
        (!histogram.is_empty()).then(|| Self {
            count: histogram.len(),
            min: us(histogram.min()),
            mean: histogram.mean() * UNIT_NS as f64 / 1e3,
            stdev: histogram.stdev() * UNIT_NS as f64 / 1e3,
            p50: at(0.5),
            p75: at(0.75),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            p99_9: at(0.999),
            max: us(max),
        })
    }
}

/// The whole result of a load.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct LoadResult {
    pub planned: Option<u64>,
    pub carried_in: u64,
    pub started: u64,
    pub sent: u64,
    pub ok: u64,
    pub failed: u64,
    pub timed_out: u64,
    pub in_flight: u64,
    pub in_flight_oldest_s: Option<f64>,
    pub duration_s: f64,
    pub throughput_rps: f64,
    pub service_time_us: Option<Quantiles>,
    pub response_time_us: Option<Quantiles>,
    pub connect_us: Option<Quantiles>,
    pub first_byte_us: Option<Quantiles>,
    pub error_time_us: Option<Quantiles>,
    pub status: BTreeMap<String, u64>,
    pub status_codes: BTreeMap<String, u64>,
    pub errors: BTreeMap<&'static str, u64>,
    pub error_samples: Vec<ErrorSample>,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub connections: Connections,
    pub generator: Generator,
    pub validity: Validity,
    pub silence: Option<Silence>,
    pub notes: Vec<&'static str>,
    pub by_request: Vec<RequestResult>,
    pub intervals: Vec<Interval>,
    pub histograms: Histograms,
}

/// Errors of one kind.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct ErrorSample {
    pub kind: String,
    pub count: u64,
    pub first_s: f64,
    pub last_s: f64,
    pub sample: String,
}

/// What became of the connections.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Connections {
    pub asked: u64,
    pub opened: u64,
    pub failed: u64,
    pub never_served: u64,
    pub requests_min: u64,
    pub requests_median: u64,
    pub requests_max: u64,
}

/// The generator's own health.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Generator {
    pub cpu_s: f64,
    pub cpu_share: f64,
    pub lateness_us: Option<Quantiles>,
    pub unsent: u64,
    pub queue_peak: u64,
    pub busy_mean: Option<f64>,
    pub starved_s: f64,
    pub bottleneck: bool,
}

/// Whether the figures mean what they say.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Validity {
    pub status: &'static str,
    pub reasons: Vec<String>,
}

/// The longest stretch without an answer.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Silence {
    pub from_s: f64,
    pub longest_s: f64,
    pub until_end: bool,
}

/// The part of one kind of request.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct RequestResult {
    pub name: String,
    pub ok: u64,
    pub failed: u64,
    pub timed_out: u64,
    pub service_time_us: Option<Quantiles>,
}

/// One interval of the time series.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Interval {
    pub start_s: f64,
    pub end_s: f64,
    pub warmup: bool,
    pub planned: Option<u64>,
    pub started: u64,
    pub ok: u64,
    pub failed: u64,
    pub timed_out: u64,
    pub in_flight: u64,
    pub queued: u64,
    pub busy_mean: f64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub status: BTreeMap<String, u64>,
    pub errors: BTreeMap<&'static str, u64>,
    pub service_time_us: Option<Quantiles>,
    pub response_time_us: Option<Quantiles>,
    pub service_histogram: Option<String>,
    pub response_histogram: Option<String>,
}

/// The full histograms, base64 of HdrHistogram V2.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Histograms {
    pub unit_ns: u64,
    pub service_time: Option<String>,
    pub response_time: Option<String>,
    pub first_byte: Option<String>,
    pub connect: Option<String>,
    pub error_time: Option<String>,
    pub lateness: Option<String>,
}

impl LoadResult {
    /// Merges the threads' records and judges the whole.
    pub fn of(shared: &Shared, threads: Vec<ThreadRecord>) -> Self {
        let plan = &shared.plan;
        let open = matches!(plan.schedule, Schedule::Open { .. });
        let merged = Merged::of(threads, shared.requests.len());
        let totals = &merged.totals;
        let measured_ns = merged.end_ns.saturating_sub(merged.measured_from_ns).max(1);
        let duration_s = measured_ns as f64 / 1e9;
        let mut unsent = merged.queued + totals.rejected;
        let mut planned = totals.planned;
        if is_mutant(Mutant::DropUnsent) {
            planned -= unsent;
            unsent = 0;
        }
        assert_eq!(
            totals.started,
            totals.ok + totals.failed + totals.timed_out + merged.in_flight,
            "every request that was started has ended or is in flight"
        );
        let cpu_share = merged.cpu_most_ns as f64 / measured_ns as f64;
        let busy_mean = merged.busy_ns as f64 / measured_ns as f64;
        let silence = merged.silence(measured_ns);
        let mut result = Self {
            planned: open.then_some(planned),
            carried_in: merged.carried_in,
            started: totals.started,
            sent: totals.sent,
            ok: totals.ok,
            failed: totals.failed,
            timed_out: totals.timed_out,
            in_flight: merged.in_flight,
            in_flight_oldest_s: merged.oldest_ns.map(|ns| ns as f64 / 1e9),
            duration_s,
            throughput_rps: totals.ok as f64 / duration_s,
            service_time_us: Quantiles::of(&merged.service),
            response_time_us: if open { Quantiles::of(&merged.response) } else { None },
            connect_us: Quantiles::of(&merged.connect),
            first_byte_us: Quantiles::of(&merged.first_byte),
            error_time_us: Quantiles::of(&merged.error_time),
            status: classes(totals),
            status_codes: merged
                .codes
                .iter()
                .enumerate()
                .filter(|(_, &n)| n > 0)
                .map(|(code, &n)| (code.to_string(), n))
                .collect(),
            errors: errors(totals),
            error_samples: merged.groups.iter().map(sample).collect(),
            bytes_in: totals.bytes_in,
            bytes_out: totals.bytes_out,
            connections: connections(&merged, plan.connections),
            generator: Generator {
                cpu_s: merged.cpu_ns as f64 / 1e9,
                cpu_share,
                lateness_us: Quantiles::of(&merged.lateness),
                unsent,
                queue_peak: merged.queue_peak,
                busy_mean: (!open).then_some(busy_mean),
                starved_s: merged.starved_ns as f64 / 1e9,
                bottleneck: false,
            },
            validity: Validity { status: "valid", reasons: Vec::new() },
            silence,
            notes: Vec::new(),
            by_request: by_request(shared, &merged),
            intervals: merged.intervals.iter().map(|i| i.shown(open)).collect(),
            histograms: merged.histograms(open),
        };
        result.judge(shared, &merged, open);
        result
    }

    /// The generator distrusts itself first, then the schedule, then the answers.
    fn judge(&mut self, shared: &Shared, merged: &Merged, open: bool) {
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
        let broken = |busy: u128, excused: u128, length_ns: f64| {
            let found = (busy + excused) as f64 / (slots * length_ns);
            (1.0 - found).abs() > LITTLE_SHARE
        };
        // Think time is excused where it begins, and the last interval may be a sliver, so that
        // single intervals are judged without the one and unless they are the other.
        let short = plan.interval_s * 0.5e9;
        let bad = merged.intervals.iter().filter(|i| !i.warmup && i.length_ns() > short);
        let bad = bad.filter(|i| broken(i.busy_ns, i.excused_ns, i.length_ns())).count();
        let bad = if think_time_s > 0.0 || !plan.keep_alive { 0 } else { bad };
        let whole = broken(merged.busy_ns, merged.excused_ns, measured_ns);
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

/// All threads' records as one.
struct Merged {
    totals: Counters,
    service: Histogram<u64>,
    response: Histogram<u64>,
    first_byte: Histogram<u64>,
    connect: Histogram<u64>,
    error_time: Histogram<u64>,
    lateness: Histogram<u64>,
    codes: Vec<u64>,
    groups: BTreeMap<String, Group>,
    by_request: Vec<RequestRecord>,
    intervals: Vec<MergedInterval>,
    pulse: Vec<u8>,
    served: Vec<u64>,
    carried_in: u64,
    queue_peak: u64,
    in_flight: u64,
    oldest_ns: Option<u64>,
    queued: u64,
    measured_from_ns: u64,
    end_ns: u64,
    cpu_ns: u64,
    cpu_most_ns: u64,
    busy_ns: u128,
    excused_ns: u128,
    starved_ns: u64,
    starved_most_ns: u64,
    interrupted: bool,
    counted: bool,
}

struct MergedInterval {
    start_ns: u64,
    end_ns: u64,
    warmup: bool,
    counters: Counters,
    in_flight: u64,
    queued: u64,
    busy_ns: u128,
    excused_ns: u128,
    service: Histogram<u64>,
    response: Histogram<u64>,
}

impl Merged {
    fn of(threads: Vec<ThreadRecord>, kinds: usize) -> Self {
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
    fn silence(&self, measured_ns: u64) -> Option<Silence> {
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

    fn histograms(&self, open: bool) -> Histograms {
        Histograms {
            unit_ns: UNIT_NS,
            service_time: base64(&self.service),
            response_time: if open { base64(&self.response) } else { None },
            first_byte: base64(&self.first_byte),
            connect: base64(&self.connect),
            error_time: base64(&self.error_time),
            lateness: base64(&self.lateness),
        }
    }
}

impl MergedInterval {
    fn length_ns(&self) -> f64 {
        self.end_ns.saturating_sub(self.start_ns).max(1) as f64
    }

    fn shown(&self, open: bool) -> Interval {
        Interval {
            start_s: self.start_ns as f64 / 1e9,
            end_s: self.end_ns as f64 / 1e9,
            warmup: self.warmup,
            planned: open.then_some(self.counters.planned),
            started: self.counters.started,
            ok: self.counters.ok,
            failed: self.counters.failed,
            timed_out: self.counters.timed_out,
            in_flight: self.in_flight,
            queued: self.queued,
            busy_mean: self.busy_ns as f64 / self.length_ns(),
            bytes_in: self.counters.bytes_in,
            bytes_out: self.counters.bytes_out,
            status: classes(&self.counters),
            errors: errors(&self.counters),
            service_time_us: Quantiles::of(&self.service),
            response_time_us: if open { Quantiles::of(&self.response) } else { None },
            service_histogram: base64(&self.service),
            response_histogram: if open { base64(&self.response) } else { None },
        }
    }
}

fn base64(histogram: &Histogram<u64>) -> Option<String> {
    let bytes = encode(histogram);
    (!bytes.is_empty()).then(|| base64::engine::general_purpose::STANDARD.encode(bytes))
}

fn classes(counters: &Counters) -> BTreeMap<String, u64> {
    let named = counters.classes.iter().enumerate().filter(|(_, &n)| n > 0);
    named.map(|(index, &n)| (format!("{}xx", index + 1), n)).collect()
}

fn errors(counters: &Counters) -> BTreeMap<&'static str, u64> {
    let named = ErrorKind::names().into_iter().zip(counters.errors);
    named.filter(|&(_, n)| n > 0).collect()
}

fn sample((kind, group): (&String, &Group)) -> ErrorSample {
    ErrorSample {
        kind: kind.clone(),
        count: group.count,
        first_s: group.first_ns as f64 / 1e9,
        last_s: group.last_ns as f64 / 1e9,
        sample: group.sample.clone(),
    }
}

fn connections(merged: &Merged, asked: usize) -> Connections {
    let served = &merged.served;
    Connections {
        asked: asked as u64,
        opened: merged.totals.opened,
        failed: merged.totals.connect_failed,
        never_served: served.iter().filter(|&&n| n == 0).count() as u64,
        requests_min: served.first().copied().unwrap_or(0),
        requests_median: served.get(served.len() / 2).copied().unwrap_or(0),
        requests_max: served.last().copied().unwrap_or(0),
    }
}

fn by_request(shared: &Shared, merged: &Merged) -> Vec<RequestResult> {
    let single = merged.by_request.len() == 1;
    merged
        .by_request
        .iter()
        .enumerate()
        .map(|(index, part)| RequestResult {
            name: shared.requests.get(index).name.clone(),
            // With one kind of request its part is the whole, and is not counted twice.
            ok: if single { merged.totals.ok } else { part.ok },
            failed: part.failed,
            timed_out: part.timed_out,
            service_time_us: Quantiles::of(if single { &merged.service } else { &part.service }),
        })
        .collect()
}
