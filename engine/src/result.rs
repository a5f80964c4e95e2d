//! The result: threads' records merged, judged and written as JSON.
//!
//! `python/syncline/outcome.py` documents each field.

use std::collections::BTreeMap;

use base64::Engine;
use hdrhistogram::Histogram;
use serde::Serialize;

use crate::count::{Counters, ErrorKind};
use crate::drive::ThreadRecord;
use crate::merge::{Merged, MergedInterval};
use crate::mutant::{is_mutant, Mutant};
use crate::plan::Schedule;
use crate::record::{encode, Group, UNIT_NS};
use crate::run::Shared;

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
    pub started_monotonic_ns: u64,
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
            started_monotonic_ns: shared.started_ns(),
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
}

impl Merged {
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
