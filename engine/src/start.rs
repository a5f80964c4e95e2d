//! When a request starts: by the schedule (open loop), or by the end of the one before on its
//! connection (closed loop). The part of the driver that knows the plan's schedule.

use std::cmp::Reverse;

use crate::connection::State;
use crate::drive::{Driver, Source};
use crate::mutant::{is_mutant, Mutant};
use crate::record::note;

impl Driver<'_> {
    pub(crate) fn begin_load(&mut self) {
        self.started_load = true;
        if let Source::Open { instants, next_ns, .. } = &mut self.source {
            *next_ns = instants.next();
        }
        for slot in 0..self.connections.len() {
            match self.connections[slot].state {
                State::BackingOff => {}
                _ => self.next(slot),
            }
        }
        self.release_due();
    }

    /// A slot is free: what it does next.
    pub(crate) fn next(&mut self, slot: usize) {
        if self.stopping || !self.started_load {
            return;
        }
        match &mut self.source {
            Source::Closed { .. } => {
                if self.spend() {
                    self.begin(slot, self.now);
                }
            }
            Source::Open { queue, .. } => match queue.pop_front() {
                Some(planned) => self.begin(slot, planned),
                None => self.list(slot),
            },
        }
    }

    /// After an answer: the next request at once, or after the think time.
    pub(crate) fn next_after_answer(&mut self, slot: usize) {
        match self.source {
            Source::Closed { think_ns } if think_ns > 0 => {
                self.excused_ns += u128::from(think_ns);
                self.set_alarm(slot, self.now + think_ns);
            }
            _ => self.next(slot),
        }
    }

    fn list(&mut self, slot: usize) {
        let connection = &mut self.connections[slot];
        if !connection.listed {
            connection.listed = true;
            self.available.push_back(slot as u32);
        }
        // Open loop: a connection should stand before it is needed.
        if self.plan.keep_alive && self.connections[slot].state == State::Closed {
            self.connect(slot);
        }
    }

    /// Takes one request from what may still be sent.
    fn spend(&mut self) -> bool {
        match &mut self.budget {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }

    /// Gives every request whose instant has come to a free connection, or to the queue.
    #[inline]
    pub(crate) fn release_due(&mut self) {
        loop {
            let Source::Open { next_ns: Some(next), .. } = &self.source else { return };
            let planned = self.start + *next;
            let due = if is_mutant(Mutant::MillisecondTimer) {
                planned.next_multiple_of(1_300_000)
            } else if is_mutant(Mutant::Burst) {
                planned.next_multiple_of(25_000_000)
            } else {
                planned
            };
            if due > self.now || self.stopping {
                return;
            }
            if planned >= self.end {
                if let Source::Open { next_ns, .. } = &mut self.source {
                    *next_ns = None;
                }
                return;
            }
            if !self.spend() {
                if let Source::Open { next_ns, .. } = &mut self.source {
                    *next_ns = None;
                }
                return;
            }
            let slot = self.take_available();
            if let Source::Open { instants, next_ns, queue, limit } = &mut self.source {
                *next_ns = instants.next();
                self.record.totals.planned += 1;
                if slot.is_none() {
                    if queue.len() < *limit {
                        queue.push_back(planned);
                        self.record.queue_peak = self.record.queue_peak.max(queue.len() as u64);
                    } else {
                        self.record.totals.rejected += 1;
                    }
                }
            }
            if let Some(slot) = slot {
                // Lateness is the generator's own: the connection was free.
                note(&mut self.record.lateness, self.now - planned);
                self.begin(slot, planned);
                self.look_at_clock();
            }
        }
    }

    fn take_available(&mut self) -> Option<usize> {
        while let Some(slot) = self.available.pop_front() {
            let connection = &mut self.connections[slot as usize];
            connection.listed = false;
            if !connection.active && connection.state != State::BackingOff {
                return Some(slot as usize);
            }
        }
        None
    }

    /// Assigns the next request to a slot.
    fn begin(&mut self, slot: usize, planned_ns: u64) {
        let number = self.number;
        self.number += self.stride;
        self.in_flight += 1;
        self.record.totals.started += 1;
        let kind = self.shared.requests.pick(number) as u32;
        let connection = &mut self.connections[slot];
        connection.active = true;
        connection.kind = kind;
        connection.number = number;
        connection.planned_ns = planned_ns;
        connection.sent_ns = 0;
        connection.first_byte_ns = 0;
        connection.redirects = 0;
        match connection.state {
            State::Idle => self.transmit(slot),
            State::Closed => self.connect(slot),
            // It is on its way; the request goes out when it stands.
            _ => {}
        }
    }

    /// Wakes a slot later.
    pub(crate) fn set_alarm(&mut self, slot: usize, at: u64) {
        self.alarms.push(Reverse((at, slot as u32, self.connections[slot].generation)));
    }

    pub(crate) fn ring_alarms(&mut self) {
        while let Some(&Reverse((at, slot, generation))) = self.alarms.peek() {
            if at > self.now {
                return;
            }
            self.alarms.pop();
            let slot = slot as usize;
            let connection = &mut self.connections[slot];
            if connection.generation != generation {
                // The socket of this alarm is gone; a closed loop's think time still ends.
                if connection.state != State::Closed || connection.active {
                    continue;
                }
            }
            match connection.state {
                State::BackingOff => {
                    connection.state = State::Closed;
                    self.next(slot);
                }
                State::Holding => self.release_body(slot),
                State::Idle | State::Closed if !connection.active => self.next(slot),
                _ => {}
            }
        }
    }
}
