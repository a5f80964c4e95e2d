//! What one thread records, and how threads' records become one: by addition.
//!
//! Histograms are HdrHistograms of nanoseconds with 3 significant digits. One pair belongs to
//! the running interval and is added to the totals when the interval ends, so that an ending
//! is recorded once, and finished intervals are kept compressed.

use std::collections::BTreeMap;

use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use hdrhistogram::Histogram;

use crate::count::{Counters, ErrorKind};

/// Nanoseconds of one recorded unit.
pub const UNIT_NS: u64 = 1;
/// Longer times are recorded as this: the hard deadline of a day-long run is far below it.
const HIGHEST_NS: u64 = 100 * 3600 * 1_000_000_000;
/// Width of the slots in which answers are noted for the search for silence.
pub const PULSE_NS: u64 = 20_000_000;
/// How much of the first answer of an error is kept.
pub const SAMPLE_BYTES: usize = 256;
/// How many kinds of errors are kept apart, so that a hostile server cannot fill memory.
const GROUPS: usize = 64;
/// For so many intervals room is made ahead at most: a day's, at one a second.
const MOST_EXPECTED: f64 = 86_400.0;

/// Errors of one kind or unexpected answers of one status, with the first as an example.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Group {
    pub count: u64,
    pub first_ns: u64,
    pub last_ns: u64,
    pub sample: String,
}

/// A finished interval, its histograms compressed.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct IntervalRecord {
    pub start_ns: u64,
    pub end_ns: u64,
    /// The planned instant that it reached: where threads' intervals meet, however late each was.
    pub planned_ns: u64,
    pub warmup: bool,
    pub counters: Counters,
    pub in_flight: u64,
    pub queued: u64,
    /// The integral of requests in flight, and time that slots could not fill, for Little's law.
    pub busy_ns: u128,
    pub excused_ns: u128,
    pub service: Vec<u8>,
    pub response: Vec<u8>,
}

/// How things stand where an interval ends.
#[derive(Debug, Clone, Copy, Default)]
#[allow(missing_docs)]
pub struct Edge {
    pub in_flight: u64,
    pub queued: u64,
    /// Since measuring began; see [`IntervalRecord`].
    pub busy_ns: u128,
    pub excused_ns: u128,
}

/// The part of one kind of request.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct RequestRecord {
    pub ok: u64,
    pub failed: u64,
    pub timed_out: u64,
    pub service: Histogram<u64>,
}

/// What one thread records.
#[allow(missing_docs)]
pub struct Recorder {
    pub totals: Counters,
    at_interval: Counters,
    edge: Edge,
    interval_start_ns: u64,
    interval_service: Histogram<u64>,
    interval_response: Histogram<u64>,
    pub service: Histogram<u64>,
    pub response: Histogram<u64>,
    pub first_byte: Histogram<u64>,
    pub connect: Histogram<u64>,
    pub error_time: Histogram<u64>,
    pub lateness: Histogram<u64>,
    /// Answers by status code, as an index.
    pub codes: Vec<u64>,
    pub groups: BTreeMap<String, Group>,
    pub by_request: Vec<RequestRecord>,
    pub intervals: Vec<IntervalRecord>,
    /// Slots of [`PULSE_NS`] since the start: 1 where an answer ended, 2 where requests waited.
    pub pulse: Vec<u8>,
    pub warmup: bool,
    pub measured_from_ns: u64,
    pub carried_in: u64,
    pub queue_peak: u64,
    open_loop: bool,
    serializer: V2DeflateSerializer,
}

/// An empty histogram of nanoseconds.
pub fn histogram() -> Histogram<u64> {
    let mut histogram = Histogram::new_with_bounds(1, 1 << 20, 3)
        .unwrap_or_else(|error| unreachable!("constant bounds: {error}"));
    histogram.auto(true);
    histogram
}

/// Records a time. The bound keeps a histogram's size finite.
#[inline]
pub fn note(histogram: &mut Histogram<u64>, ns: u64) {
    // It grows by itself, so recording below the bound cannot fail.
    let recorded = histogram.record(ns.min(HIGHEST_NS));
    debug_assert!(recorded.is_ok());
}

/// HdrHistogram V2, compressed; empty for an empty histogram.
pub fn encode(histogram: &Histogram<u64>) -> Vec<u8> {
    encode_with(&mut V2DeflateSerializer::new(), histogram)
}

/// [`encode`] with a serializer that is kept: hundreds of intervals shall leave no trace in the
/// heap but their own bytes.
fn encode_with(serializer: &mut V2DeflateSerializer, histogram: &Histogram<u64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if !histogram.is_empty() {
        let written = serializer.serialize(histogram, &mut bytes);
        debug_assert!(written.is_ok(), "writing to a vector cannot fail");
        bytes.shrink_to_fit();
    }
    bytes
}

/// Reads what [`encode`] wrote.
pub fn decode(bytes: &[u8]) -> Result<Histogram<u64>, String> {
    if bytes.is_empty() {
        return Ok(histogram());
    }
    let mut decoded: Histogram<u64> = Deserializer::new()
        .deserialize(&mut std::io::Cursor::new(bytes))
        .map_err(|error| format!("not an HdrHistogram of version 2: {error}"))?;
    decoded.auto(true);
    Ok(decoded)
}

/// Adds one histogram to another; both are of one precision, so nothing is lost.
pub fn merge(into: &mut Histogram<u64>, from: &Histogram<u64>) {
    let added = into.add(from);
    debug_assert!(added.is_ok(), "an auto-resizing histogram takes any other");
}

impl Recorder {
    /// A recorder for a thread; time 0 is the load's start.
    pub fn new(kinds: usize, open_loop: bool, warmup: bool) -> Self {
        let request = RequestRecord { ok: 0, failed: 0, timed_out: 0, service: histogram() };
        Self {
            totals: Counters::default(),
            at_interval: Counters::default(),
            edge: Edge::default(),
            interval_start_ns: 0,
            interval_service: histogram(),
            interval_response: histogram(),
            service: histogram(),
            response: histogram(),
            first_byte: histogram(),
            connect: histogram(),
            error_time: histogram(),
            lateness: histogram(),
            codes: vec![0; 1000],
            groups: BTreeMap::new(),
            by_request: vec![request; kinds],
            intervals: Vec::new(),
            pulse: Vec::new(),
            warmup,
            measured_from_ns: 0,
            carried_in: 0,
            queue_peak: 0,
            serializer: V2DeflateSerializer::new(),
            open_loop,
        }
    }

    /// A successful answer.
    #[inline]
    pub fn ok(&mut self, kind: usize, status: u16, times: Times) {
        self.totals.ok += 1;
        self.totals.classes[usize::from(status / 100 - 1).min(4)] += 1;
        self.count_code(status);
        self.latency(kind, times);
        if self.by_request.len() > 1 {
            self.by_request[kind].ok += 1;
        }
    }

    /// A whole answer with a status that was not expected: a failure, its time kept apart.
    pub fn unexpected(
        &mut self,
        kind: usize,
        status: u16,
        times: Times,
        at_ns: u64,
        sample: &[u8],
    ) {
        self.totals.failed += 1;
        self.totals.classes[usize::from(status / 100 - 1).min(4)] += 1;
        self.count_code(status);
        self.by_request[kind].failed += 1;
        note(&mut self.error_time, times.service_ns);
        self.group(&status.to_string(), at_ns, || String::from_utf8_lossy(sample).into_owned());
    }

    /// A request that ended without an answer. A time-out stays in the distribution of service
    /// times with the time that was waited; leaving it out would flatter a hanging server.
    pub fn error(
        &mut self,
        kind: usize,
        error: ErrorKind,
        times: Option<Times>,
        at_ns: u64,
        sample: impl FnOnce() -> String,
    ) {
        self.totals.errors[error as usize] += 1;
        if error.is_timeout() {
            self.totals.timed_out += 1;
            self.by_request[kind].timed_out += 1;
        } else {
            self.totals.failed += 1;
            self.by_request[kind].failed += 1;
        }
        match times {
            Some(times) if error.is_timeout() => self.latency(kind, times),
            Some(times) => note(&mut self.error_time, times.service_ns),
            None => {}
        }
        self.group(error.name(), at_ns, sample);
    }

    /// What some generators do to closed-loop samples, and this one never does.
    #[cold]
    pub fn invent_omitted(&mut self, service_ns: u64) {
        let usual = self.service.value_at_quantile(0.5).max(1_000_000);
        let mut invented = service_ns;
        while invented > 2 * usual {
            invented -= usual;
            note(&mut self.interval_service, invented);
        }
    }

    #[inline]
    fn latency(&mut self, kind: usize, times: Times) {
        note(&mut self.interval_service, times.service_ns);
        if let Some(first) = times.first_byte_ns {
            note(&mut self.first_byte, first);
        }
        if self.open_loop {
            note(&mut self.interval_response, times.response_ns);
        }
        if self.by_request.len() > 1 {
            note(&mut self.by_request[kind].service, times.service_ns);
        }
    }

    #[inline]
    fn count_code(&mut self, status: u16) {
        // The reader lets only three digits through.
        self.codes[usize::from(status)] += 1;
    }

    fn group(&mut self, key: &str, at_ns: u64, sample: impl FnOnce() -> String) {
        if let Some(group) = self.groups.get_mut(key) {
            group.count += 1;
            group.last_ns = at_ns;
        } else if self.groups.len() < GROUPS {
            let group = Group { count: 1, first_ns: at_ns, last_ns: at_ns, sample: sample() };
            self.groups.insert(key.to_owned(), group);
        }
    }

    /// Notes, for one slot of time, whether answers came and whether requests waited.
    pub fn pulse(&mut self, from_ns: u64, to_ns: u64, answered: bool, waiting: bool) {
        let mark = u8::from(answered) | u8::from(waiting) << 1;
        let (from, to) = ((from_ns / PULSE_NS) as usize, (to_ns / PULSE_NS) as usize);
        if self.pulse.len() <= to {
            self.pulse.resize(to + 1, 0);
        }
        for slot in &mut self.pulse[from..=to] {
            *slot |= mark;
        }
    }

    /// Ends the running interval, which was planned to end at `planned_ns`.
    pub fn roll(&mut self, now_ns: u64, planned_ns: u64, edge: Edge) {
        if now_ns > self.interval_start_ns {
            let counters = self.totals.since(&self.at_interval);
            self.intervals.push(IntervalRecord {
                start_ns: self.interval_start_ns,
                end_ns: now_ns,
                planned_ns,
                warmup: self.warmup,
                counters,
                in_flight: edge.in_flight,
                queued: edge.queued,
                busy_ns: edge.busy_ns - self.edge.busy_ns,
                excused_ns: edge.excused_ns - self.edge.excused_ns,
                service: encode_with(&mut self.serializer, &self.interval_service),
                response: encode_with(&mut self.serializer, &self.interval_response),
            });
        }
        merge(&mut self.service, &self.interval_service);
        merge(&mut self.response, &self.interval_response);
        self.interval_service.reset();
        self.interval_response.reset();
        self.at_interval = self.totals.clone();
        self.interval_start_ns = now_ns;
        self.edge = edge;
    }

    /// Makes room for the intervals to come, so that a long run does not copy what it has.
    pub fn expect_intervals(&mut self, duration_s: Option<f64>, interval_s: f64) {
        let count = duration_s.map_or(0.0, |seconds| (seconds / interval_s).ceil());
        self.intervals.reserve(count.min(MOST_EXPECTED) as usize + 1);
    }

    /// The warm-up is over: what was recorded so far is dropped, but for its intervals, and the
    /// requests in flight and in the queue are carried into the measurement.
    pub fn measure_from(&mut self, now_ns: u64, planned_ns: u64, edge: Edge) {
        self.roll(now_ns, planned_ns, edge);
        let Edge { in_flight, queued, .. } = edge;
        let kinds = self.by_request.len();
        let mut fresh = Self::new(kinds, self.open_loop, false);
        fresh.interval_start_ns = now_ns;
        fresh.measured_from_ns = now_ns;
        fresh.carried_in = in_flight;
        fresh.totals.started = in_flight;
        fresh.totals.sent = in_flight;
        fresh.totals.planned = if self.open_loop { in_flight + queued } else { 0 };
        fresh.totals.opened = self.totals.opened;
        fresh.at_interval = fresh.totals.clone();
        fresh.intervals = std::mem::take(&mut self.intervals);
        fresh.pulse = std::mem::take(&mut self.pulse);
        *self = fresh;
    }

    /// Quantiles for a glance: of the running interval, or of the last one while it is young.
    pub fn glance(&self, now_ns: u64) -> Option<(u64, u64)> {
        let young = now_ns.saturating_sub(self.interval_start_ns) < 300_000_000;
        let last = self.intervals.last().filter(|_| young).map(|i| decode(&i.service));
        let shown = match &last {
            Some(Ok(histogram)) if !histogram.is_empty() => histogram,
            _ => &self.interval_service,
        };
        let at = |quantile| shown.value_at_quantile(quantile);
        (!shown.is_empty()).then(|| (at(0.5), at(0.99)))
    }
}

/// The times of one request that has ended.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// From the actual send to the end.
    pub service_ns: u64,
    /// From the planned instant to the end; the same as `service_ns` in closed loop.
    pub response_ns: u64,
    /// From the actual send to the first byte; None if there was none.
    pub first_byte_ns: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(ns: u64) -> Times {
        Times { service_ns: ns, response_ns: ns + 5, first_byte_ns: Some(ns / 2) }
    }

    #[test]
    fn intervals_add_up_to_the_totals() {
        let mut recorder = Recorder::new(1, true, false);
        for i in 0..100 {
            recorder.ok(0, 200, times(1_000 + i));
            if i % 10 == 9 {
                recorder.roll((i + 1) * 1_000, (i + 1) * 1_000, Edge::default());
            }
        }
        let counted: u64 = recorder.intervals.iter().map(|i| i.counters.ok).sum();
        let mut merged = histogram();
        for interval in &recorder.intervals {
            merge(&mut merged, &decode(&interval.service).unwrap());
        }
        assert_eq!((counted, merged.len(), recorder.service.len()), (100, 100, 100));
        assert_eq!(merged.value_at_quantile(0.99), recorder.service.value_at_quantile(0.99));
    }

    #[test]
    fn a_time_out_stays_in_the_distribution_and_an_error_page_does_not() {
        let mut recorder = Recorder::new(1, false, false);
        recorder.error(0, ErrorKind::ResponseTimeout, Some(times(2_000_000)), 1, String::new);
        recorder.unexpected(0, 500, times(10), 2, b"oops");
        recorder.roll(10, 10, Edge::default());
        assert_eq!((recorder.service.len(), recorder.error_time.len()), (1, 1));
        assert_eq!((recorder.totals.timed_out, recorder.totals.failed), (1, 1));
        assert_eq!(recorder.groups["500"].sample, "oops");
    }

    #[test]
    fn the_warm_up_leaves_its_intervals_and_nothing_else() {
        let mut recorder = Recorder::new(1, false, true);
        recorder.totals.started = 3;
        recorder.ok(0, 200, times(5));
        recorder.measure_from(1_000, 1_000, Edge { in_flight: 2, ..Edge::default() });
        recorder.ok(0, 200, times(7));
        recorder.roll(2_000, 2_000, Edge::default());
        assert_eq!((recorder.totals.started, recorder.totals.ok, recorder.carried_in), (2, 1, 2));
        assert_eq!(recorder.service.len(), 1);
        assert!(recorder.intervals[0].warmup && !recorder.intervals[1].warmup);
    }

    #[test]
    fn kinds_of_errors_are_bounded_in_memory() {
        let mut recorder = Recorder::new(1, false, false);
        for status in 100..1000u16 {
            recorder.unexpected(0, status.clamp(100, 599), times(1), 1, b"x");
        }
        assert!(recorder.groups.len() <= GROUPS);
    }
}
