//! The loop. One driver for every schedule: a request's start comes from the schedule (open
//! loop) or from the end of the one before (closed loop), and nothing else differs.
//!
//! Costs are kept where they must be: one read and one write per request, sockets armed once
//! and edge-triggered, a response read and the next request written in the same wake-up, and
//! no allocation between them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;

use rustix::buffer::spare_capacity;
use rustix::event::epoll;
use rustix::event::Timespec;
use rustix::io::Errno;
use rustix::thread::{sched_setaffinity, set_current_timer_slack, CpuSet};

use crate::clock::{now_ns, thread_cpu_ns};
use crate::connection::Connection;
use crate::mutant::{is_mutant, Mutant};
use crate::plan::{Phase, Plan, Schedule};
use crate::record::{Edge, Recorder};
use crate::run::{Glance, Shared};
use crate::schedule::{Instants, Profile};
use crate::starvation::{Starvation, WORK_NS};

/// Room for what one read may bring, behind what is left of an incomplete head.
pub(crate) const READ_BYTES: usize = 65536;
/// A wake-up later than this is time in which the generator did not run.
const STARVED_NS: u64 = 10_000_000;
/// What handling one event may take at most.
const EVENT_NS: u64 = 200_000;
/// Connections on their way at once while they are opened ahead: fewer than the shortest listen
/// queue that is usual, since what overflows one waits a second for its next SYN.
const PRIME_AT_ONCE: u64 = 100;
/// Connections are opened ahead of the start for this long at most.
const PRIME_NS: u64 = 1_500_000_000;

/// What a thread brings home.
#[allow(missing_docs)]
pub struct ThreadRecord {
    pub recorder: Recorder,
    pub served: Vec<u64>,
    pub in_flight: u64,
    pub oldest_ns: Option<u64>,
    pub queued: u64,
    pub end_ns: u64,
    pub cpu_ns: u64,
    /// The integral of requests in flight over the measured time, in request-nanoseconds.
    pub busy_ns: u128,
    /// Time that slots spent connecting or thinking, which no request in flight can fill.
    pub excused_ns: u128,
    pub starved_ns: u64,
    pub starved_most_ns: u64,
    pub interrupted: bool,
    /// It ended because its share of the requests was spent.
    pub counted: bool,
}

pub(crate) enum Source {
    Closed { think_ns: u64 },
    Open { instants: Instants, next_ns: Option<u64>, queue: VecDeque<u64>, limit: usize },
}

/// One thread's share of a load.
pub struct Driver<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) plan: &'a Plan,
    pub(crate) epoll: OwnedFd,
    pub(crate) connections: Vec<Connection>,
    pub(crate) record: Recorder,
    pub(crate) source: Source,
    /// Slots that can take a request (open loop), longest idle first.
    pub(crate) available: VecDeque<u32>,
    pub(crate) alarms: BinaryHeap<Reverse<(u64, u32, u32)>>,
    pub(crate) buffer: Vec<u8>,
    pub(crate) scratch: Vec<u8>,
    /// Now, and the load's start, on the monotonic clock.
    pub(crate) now: u64,
    pub(crate) start: u64,
    /// When the plan's duration is over; requests are planned before it.
    pub(crate) end: u64,
    pub(crate) started_load: bool,
    pub(crate) stopping: bool,
    /// The next request's number, and how far numbers of this thread are apart.
    pub(crate) number: u64,
    pub(crate) stride: u64,
    pub(crate) budget: Option<u64>,
    pub(crate) in_flight: u64,
    pub(crate) good_address: u16,
    pub(crate) thread: usize,
    pub(crate) tick_ns: u64,
    pub(crate) answered: u64,
    /// Until when answers and silence were noted, since the start.
    pub(crate) pulsed: u64,
    pub(crate) busy_ns: u128,
    /// Events of the last wake-up, or requests begun since.
    pub(crate) handled: u64,
    /// Up to when requests in flight are accounted in `busy_ns`.
    pub(crate) edge: u64,
    pub(crate) excused_ns: u128,
    pub(crate) measured_from: u64,
    pub(crate) starvation: Starvation,
}

impl<'a> Driver<'a> {
    /// The driver of thread `thread`, which carries `slots` of the connections.
    pub fn new(shared: &'a Shared, thread: usize, slots: usize) -> Result<Self, String> {
        let plan = &shared.plan;
        let threads = plan.threads;
        let source = match &plan.schedule {
            Schedule::Closed { think_time_s } => Source::Closed { think_ns: ns(*think_time_s) },
            Schedule::Open { phases, arrivals, queue_limit } => {
                let profile = if is_mutant(Mutant::RateDrift) {
                    Profile::new(&phases.iter().map(slower).collect::<Vec<_>>())
                } else {
                    Profile::new(phases)
                };
                let instants = Instants::new(profile, *arrivals, plan.seed, thread, threads);
                let limit = queue_limit.div_ceil(threads);
                Source::Open { instants, next_ns: None, queue: VecDeque::new(), limit }
            }
        };
        let timeouts = &plan.timeouts;
        let shortest = timeouts.connect_s.min(timeouts.response_s).min(timeouts.total_s);
        let open = matches!(source, Source::Open { .. });
        let budget = plan.request_count.map(|count| {
            let (count, threads, thread) = (count, threads as u64, thread as u64);
            count / threads + u64::from(thread < count % threads)
        });
        let mut record = Recorder::new(shared.requests.len(), open, plan.warmup_s > 0.0);
        record.expect_intervals(plan.duration_s, plan.interval_s);
        Ok(Self {
            shared,
            plan,
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC).map_err(|e| format!("epoll: {e}"))?,
            connections: (0..slots).map(|_| Connection::new(plan)).collect(),
            record,
            source,
            available: VecDeque::new(),
            alarms: BinaryHeap::new(),
            buffer: vec![0; READ_BYTES + plan.limits.header_bytes],
            scratch: Vec::new(),
            now: now_ns(),
            start: 0,
            end: u64::MAX,
            started_load: false,
            stopping: false,
            number: thread as u64,
            stride: threads as u64,
            budget,
            in_flight: 0,
            good_address: 0,
            thread,
            tick_ns: (ns(shortest) / 50).clamp(2_000_000, 50_000_000),
            answered: 0,
            pulsed: 0,
            busy_ns: 0,
            handled: 0,
            edge: 0,
            excused_ns: 0,
            measured_from: 0,
            starvation: Starvation::default(),
        })
    }

    /// Runs the whole load.
    pub fn run(mut self) -> ThreadRecord {
        self.settle_thread();
        let mut events: Vec<epoll::Event> = Vec::with_capacity(1024);
        self.prime(&mut events);
        self.start = self.shared.start_together();
        let cpu_before = thread_cpu_ns();
        let (interrupted, cpu_at_measure) = self.drive(&mut events, cpu_before);
        self.finish(interrupted, thread_cpu_ns() - cpu_at_measure)
    }

    /// Pins the thread and asks for timers that are exact, not rounded to 50 µs for batching.
    /// Where the system refuses, the run is still right; lateness tells what it cost.
    fn settle_thread(&self) {
        let _ = set_current_timer_slack(NonZeroU64::new(1));
        if !self.plan.pin_cpus.is_empty() {
            let mut cpus = CpuSet::new();
            cpus.set(self.plan.pin_cpus[self.thread % self.plan.pin_cpus.len()]);
            let _ = sched_setaffinity(None, &cpus);
        }
    }

    /// Opens the connections ahead of the start, so that the first requests are not measured
    /// together with a storm of handshakes. Failures here count for nothing: the same slot
    /// tries again for its first request.
    fn prime(&mut self, events: &mut Vec<epoll::Event>) {
        if !self.plan.keep_alive {
            return;
        }
        let until = self.now + PRIME_NS.min(ns(self.plan.timeouts.connect_s));
        let mut begun = 0;
        while self.now < until && !self.shared.interrupted() {
            let ended = self.record.totals.opened + self.record.totals.connect_failed;
            while begun < self.connections.len() && begun as u64 - ended < PRIME_AT_ONCE {
                self.connect(begun);
                begun += 1;
            }
            if ended == self.connections.len() as u64 {
                break;
            }
            self.wait(events, (self.now + 10_000_000).min(until));
        }
    }

    fn drive(&mut self, events: &mut Vec<epoll::Event>, cpu_before: u64) -> (bool, u64) {
        let start = self.start;
        let mut end = self.plan.duration_s.map_or(u64::MAX, |d| start + ns(d));
        let mut deadline = start + ns(self.plan.deadline_s());
        if is_mutant(Mutant::NoDeadline) {
            (end, deadline) = (end.saturating_add(4_000_000_000), deadline + 4_000_000_000);
        }
        let interval = ns(self.plan.interval_s);
        let mut warm = (self.plan.warmup_s > 0.0).then(|| start + ns(self.plan.warmup_s));
        let mut interval_end = start + interval;
        let mut tick = start + self.tick_ns;
        let mut cpu_at_measure = cpu_before;
        (self.edge, self.measured_from) = (start, start);
        let mut interrupted = false;
        self.end = end;
        while now_ns() < start {
            self.wait(events, start);
        }
        self.now = now_ns();
        self.starvation.note(self.now - start, STARVED_NS);
        self.begin_load();
        self.handled = self.connections.len() as u64;
        loop {
            // The next thing that is due whatever the sockets do.
            let mut until = tick.min(interval_end).min(end).min(deadline);
            if let Some(at) = warm {
                until = until.min(at);
            }
            if let Some(Reverse((at, ..))) = self.alarms.peek() {
                until = until.min(*at);
            }
            if let Source::Open { next_ns: Some(next), .. } = &self.source {
                until = until.min(start + next);
            }
            self.wait(events, until);
            self.release_due();
            self.ring_alarms();
            if self.budget == Some(0) && self.in_flight == 0 && self.queued() == 0 {
                break;
            }
            if self.now < tick && self.now < until {
                continue;
            }
            if self.now >= end || self.now >= deadline {
                break;
            }
            if warm.is_some_and(|at| self.now >= at) {
                warm = None;
                self.account_busy();
                self.pulse();
                let edge = self.edge_state();
                self.record.measure_from(self.now - start, ns(self.plan.warmup_s), edge);
                (self.busy_ns, self.excused_ns) = (0, 0);
                self.starvation = Starvation::default();
                self.answered = self.answers();
                self.measured_from = self.now;
                for connection in &mut self.connections {
                    connection.served = 0;
                }
                cpu_at_measure = thread_cpu_ns();
            }
            if self.now >= interval_end {
                self.account_busy();
                let reached = (self.now - start) / interval * interval;
                self.record.roll(self.now - start, reached, self.edge_state());
                interval_end = start + reached + interval;
            }
            if self.now >= tick {
                tick = self.now + self.tick_ns;
                self.time_out();
                self.pulse();
                self.publish();
                if self.shared.interrupted() {
                    interrupted = true;
                    break;
                }
            }
        }
        self.stopping = true;
        self.account_busy();
        self.pulse();
        self.publish();
        (interrupted, cpu_at_measure)
    }

    /// Waits for sockets until an instant, and handles what has come.
    fn wait(&mut self, events: &mut Vec<epoll::Event>, until: u64) {
        // What was written since the last reading took time; neither the timer nor the search for
        // starvation should add it.
        let before = now_ns();
        if self.started_load {
            self.starvation.note(before - self.now, WORK_NS + EVENT_NS * self.handled);
        }
        let left = if self.plan.spin { 0 } else { until.saturating_sub(before) };
        let timeout = Timespec {
            tv_sec: (left / 1_000_000_000) as i64,
            tv_nsec: (left % 1_000_000_000) as i64,
        };
        events.clear();
        let waited = epoll::wait(&self.epoll, spare_capacity(events), Some(&timeout));
        self.now = now_ns();
        if self.started_load {
            self.starvation.note(self.now - before, left + STARVED_NS);
        }
        match waited {
            Ok(_) | Err(Errno::INTR) => {}
            // The descriptor is ours and the buffer is too; nothing else can be wrong.
            Err(error) => unreachable!("epoll_wait: {error}"),
        }
        self.handled = events.len() as u64;
        for event in events.iter() {
            let data = event.data.u64();
            let (slot, generation) = ((data & 0xffff_ffff) as usize, (data >> 32) as u32);
            if self.connections[slot].generation == generation {
                self.ready(slot, event.flags);
                self.release_due();
            }
        }
    }

    /// Takes the time anew while events are handled; what was lost since the last reading must not
    /// be forgotten with it.
    #[inline]
    pub(crate) fn look_at_clock(&mut self) {
        self.starvation.look(&mut self.now, self.started_load);
    }

    /// Listens to a slot's new socket.
    pub(crate) fn arm(&mut self, slot: usize) -> Result<(), Errno> {
        let connection = &self.connections[slot];
        let Some(stream) = &connection.stream else { return Ok(()) };
        let flags = epoll::EventFlags::IN
            | epoll::EventFlags::OUT
            | epoll::EventFlags::RDHUP
            | epoll::EventFlags::ET;
        let data = slot as u64 | u64::from(connection.generation) << 32;
        epoll::add(&self.epoll, stream, epoll::EventData::new_u64(data), flags)
    }

    pub(crate) fn queued(&self) -> u64 {
        match &self.source {
            Source::Open { queue, .. } => queue.len() as u64,
            Source::Closed { .. } => 0,
        }
    }

    fn edge_state(&self) -> Edge {
        Edge {
            in_flight: self.in_flight,
            queued: self.queued(),
            busy_ns: self.busy_ns,
            excused_ns: self.excused_ns,
        }
    }

    fn answers(&self) -> u64 {
        self.record.totals.classes.iter().sum()
    }

    fn pulse(&mut self) {
        let answers = self.answers();
        let answered = answers != self.answered;
        self.answered = answers;
        let now = self.now.saturating_sub(self.start);
        // A closed loop always wants an answer, also while it backs off from a dead server.
        let wanting = match &self.source {
            Source::Closed { think_ns } => *think_ns == 0 && self.budget != Some(0),
            Source::Open { queue, .. } => !queue.is_empty(),
        };
        let waiting = wanting || self.in_flight > 0;
        // From the last look on: were a late one to leave a gap, it would cut a silence in two.
        self.record.pulse(self.pulsed, now, answered, waiting);
        self.pulsed = now;
    }

    /// Adds what the requests in flight have lasted since the last edge. With the times of the
    /// requests that ended in between this is the integral of requests in flight, out of the
    /// same stamps that the histograms get: if a sample is lost, Little's law breaks.
    fn account_busy(&mut self) {
        for connection in self.connections.iter().filter(|c| c.active && c.sent_ns > 0) {
            self.busy_ns += u128::from(self.now - connection.sent_ns.max(self.edge));
        }
        self.edge = self.now;
    }

    /// The end of a request that was sent: its part since the last edge.
    #[inline]
    pub(crate) fn add_busy(&mut self, sent_ns: u64) {
        self.busy_ns += u128::from(self.now.saturating_sub(sent_ns.max(self.edge)));
    }

    fn publish(&self) {
        let totals = &self.record.totals;
        let (p50_ns, p99_ns) = self.record.glance(self.now - self.start).unzip();
        self.shared.publish(
            self.thread,
            Glance {
                at_ns: self.now - self.start,
                ok: totals.ok,
                failed: totals.failed,
                timed_out: totals.timed_out,
                in_flight: self.in_flight,
                p50_ns,
                p99_ns,
                warmup: self.record.warmup,
            },
        );
    }

    fn finish(mut self, interrupted: bool, cpu_ns: u64) -> ThreadRecord {
        let end_ns = self.now - self.start;
        let queued = self.queued();
        let interval = ns(self.plan.interval_s);
        let planned_ns = end_ns.min(self.end - self.start).div_ceil(interval) * interval;
        self.record.roll(end_ns, planned_ns, self.edge_state());
        let oldest_ns = self
            .connections
            .iter()
            .filter(|c| c.active)
            .map(|c| self.now - if c.sent_ns > 0 { c.sent_ns } else { c.planned_ns })
            .max();
        ThreadRecord {
            served: self.connections.iter().map(|c| c.served).collect(),
            in_flight: self.in_flight,
            oldest_ns,
            queued,
            end_ns,
            cpu_ns,
            busy_ns: self.busy_ns,
            excused_ns: self.excused_ns,
            starved_ns: self.starvation.ns,
            starved_most_ns: self.starvation.most_ns,
            interrupted,
            counted: self.budget == Some(0),
            recorder: self.record,
        }
    }
}

/// A phase of the mutant whose rate is low.
fn slower(phase: &Phase) -> Phase {
    Phase { from_rps: phase.from_rps * 0.997, to_rps: phase.to_rps * 0.997, ..*phase }
}

/// Seconds to nanoseconds.
pub(crate) fn ns(seconds: f64) -> u64 {
    (seconds * 1e9).min(u64::MAX as f64 / 4.0) as u64
}
