//! One connection's turn: connecting, writing a request, reading its response, and what
//! follows from its end. The part of the driver that touches sockets.

use rustix::event::epoll::EventFlags;
use rustix::io::Errno;

use crate::clock::now_ns;
use crate::connect::{Failure, Stream};
use crate::connection::State;
use crate::count::ErrorKind;
use crate::drive::{ns, Driver, READ_BYTES};
use crate::http1::{self, Event, Fault};
use crate::mutant::{is_mutant, Mutant};
use crate::record::{Times, SAMPLE_BYTES};

/// How long a body waits for `100 Continue` before it is sent all the same (RFC 9110, 10.1.1).
const CONTINUE_NS: u64 = 1_000_000_000;
/// The pause after the second failure in a row; it doubles up to the most.
const BACK_OFF_NS: u64 = 10_000_000;
const BACK_OFF_MOST_NS: u64 = 1_000_000_000;

impl Driver<'_> {
    /// A slot's socket has something to say.
    pub(crate) fn ready(&mut self, slot: usize, flags: EventFlags) {
        match self.connections[slot].state {
            State::Waiting => self.receive(slot, flags),
            State::Connecting => self.connected(slot),
            State::Handshaking => self.shake_hands(slot),
            State::Sending => {
                if flags.contains(EventFlags::OUT) {
                    self.send_rest(slot);
                }
                if self.connections[slot].state != State::Sending
                    || flags.intersects(EventFlags::IN | EventFlags::RDHUP | EventFlags::HUP)
                {
                    self.receive(slot, flags);
                }
            }
            State::Holding => self.receive(slot, flags),
            State::Idle => self.idle_event(slot, flags),
            State::Closed | State::BackingOff => {}
        }
    }

    /// Writes the assigned request to a connection that stands.
    pub(crate) fn transmit(&mut self, slot: usize) {
        let connection = &mut self.connections[slot];
        let kind = connection.kind as usize;
        let request = self.shared.requests.get(kind);
        let cookies =
            if connection.cookies.is_empty() { String::new() } else { connection.cookie_header() };
        let (bytes, body_at) = match &connection.location {
            None => {
                self.shared.requests.bytes(kind, connection.number, &cookies, &mut self.scratch)
            }
            Some(location) => {
                redirected(location, &self.shared.target.authority, &cookies, &mut self.scratch)
            }
        };
        connection.reader.reset(request.is_head && connection.location.is_none());
        let Some(stream) = &mut connection.stream else { return };
        if connection.sent_ns == 0 {
            connection.sent_ns = self.now;
            self.record.totals.sent += 1;
        }
        connection.last_ns = self.now;
        connection.state = State::Waiting;
        let holds = request.waits_for_continue && connection.location.is_none();
        let limit = if holds { body_at } else { bytes.len() };
        match stream.send(&bytes[..limit]) {
            Ok(written) if written == bytes.len() && !stream.is_tls() => {
                self.record.totals.bytes_out += written as u64;
                return;
            }
            Ok(written) => {
                self.record.totals.bytes_out += written as u64;
                connection.unsent.clear();
                connection.unsent.extend_from_slice(&bytes[written..]);
                connection.written = 0;
                connection.hold_at = if holds { body_at - written } else { usize::MAX };
            }
            Err(Errno::AGAIN) => {
                connection.unsent.clear();
                connection.unsent.extend_from_slice(bytes);
                connection.written = 0;
                connection.hold_at = if holds { body_at } else { usize::MAX };
            }
            Err(error) => return self.broken(slot, error),
        }
        connection.state = State::Sending;
        self.send_rest(slot);
    }

    /// Writes on what did not fit.
    fn send_rest(&mut self, slot: usize) {
        loop {
            let connection = &mut self.connections[slot];
            let Some(stream) = &mut connection.stream else { return };
            let end = connection.unsent.len().min(connection.hold_at);
            if connection.written >= end {
                match stream.flush() {
                    Ok(true) => {}
                    Ok(false) => return,
                    Err(error) => return self.broken(slot, error),
                }
                if connection.hold_at < connection.unsent.len() {
                    connection.state = State::Holding;
                    let at = self.now + CONTINUE_NS;
                    self.set_alarm(slot, at);
                } else {
                    connection.unsent.clear();
                    connection.written = 0;
                    connection.state = State::Waiting;
                }
                return;
            }
            match stream.send(&connection.unsent[connection.written..end]) {
                Ok(written) => {
                    connection.written += written;
                    connection.last_ns = self.now;
                    self.record.totals.bytes_out += written as u64;
                }
                Err(Errno::AGAIN) => return,
                Err(error) => return self.broken(slot, error),
            }
        }
    }

    /// `100 Continue` came, or did not come in time.
    pub(crate) fn release_body(&mut self, slot: usize) {
        let connection = &mut self.connections[slot];
        connection.hold_at = usize::MAX;
        connection.state = State::Sending;
        self.send_rest(slot);
    }

    /// Reads what has come for a request, and on its end goes on to the next.
    fn receive(&mut self, slot: usize, flags: EventFlags) {
        let closing = flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR);
        loop {
            let connection = &mut self.connections[slot];
            let Some(stream) = &mut connection.stream else { return };
            // The beginning of a head that came earlier stands first.
            let kept = connection.partial.len();
            self.buffer[..kept].copy_from_slice(&connection.partial);
            let room = kept + READ_BYTES;
            let received = match stream.receive(&mut self.buffer[kept..room]) {
                Ok(0) => return self.closed_by_server(slot),
                Ok(received) => received,
                Err(Errno::AGAIN) => return,
                Err(Errno::INTR) => continue,
                Err(error) => return self.broken(slot, error),
            };
            self.starvation.look(&mut self.now, self.started_load);
            let drained = received < READ_BYTES && !stream.is_tls();
            connection.last_ns = self.now;
            if connection.first_byte_ns == 0 {
                connection.first_byte_ns = self.now;
            }
            self.record.totals.bytes_in += received as u64;
            match self.consume(slot, kept + received) {
                Ok(None) => {}
                Ok(Some(used)) => {
                    let garbage = used < kept + received;
                    return self.complete(slot, garbage, closing);
                }
                Err(Fault::TooLong) => {
                    return self.fail(slot, ErrorKind::HeaderTooLarge, || {
                        "the response's head is longer than the limit".to_owned()
                    })
                }
                Err(Fault::Bad) => {
                    let shown = (kept + received).min(SAMPLE_BYTES);
                    let sample = String::from_utf8_lossy(&self.buffer[..shown]).into_owned();
                    return self.fail(slot, ErrorKind::BadResponse, || sample);
                }
            }
            if drained && !closing {
                return;
            }
        }
    }

    /// Feeds the buffer's first `filled` bytes to the reader. Some(used) when the response is
    /// whole.
    #[inline]
    fn consume(&mut self, slot: usize, filled: usize) -> Result<Option<usize>, Fault> {
        let mut at = 0;
        loop {
            let connection = &mut self.connections[slot];
            let bytes = &self.buffer[at..filled];
            let (used, event) = connection.reader.feed(bytes)?;
            match event {
                Event::Done => {
                    connection.partial.clear();
                    return Ok(Some(at + used));
                }
                Event::More => {
                    connection.partial.clear();
                    if at + used < filled {
                        connection.partial.extend_from_slice(&bytes[used..]);
                    }
                    return Ok(None);
                }
                Event::Head => self.head(slot, at, used, filled),
                Event::Interim(status) => {
                    self.record.totals.interim += 1;
                    if is_mutant(Mutant::InformationalCounts) {
                        self.record.totals.ok += 1;
                        self.record.totals.started += 1;
                    }
                    if status == 100 && connection.state == State::Holding {
                        self.release_body(slot);
                    }
                }
            }
            at += used;
        }
    }

    /// A final head has been read: what beyond its framing matters.
    #[inline]
    fn head(&mut self, slot: usize, at: usize, used: usize, filled: usize) {
        let connection = &mut self.connections[slot];
        let head = connection.reader.head();
        let kind = connection.kind as usize;
        if !self.shared.requests.get(kind).expects(head.status) {
            let key = head.status.to_string();
            connection.sample.clear();
            if !self.record.groups.contains_key(&key) {
                let shown = filled.min(at + used + SAMPLE_BYTES);
                connection.sample.extend_from_slice(&self.buffer[at + used..shown]);
            }
        }
        if self.plan.cookies || self.plan.max_redirects > 0 {
            let bytes = &self.buffer[at + head.span.0..at + head.span.1];
            if self.plan.cookies {
                for value in http1::headers(bytes, "set-cookie") {
                    connection.keep_cookie(value);
                }
            }
            let follows = matches!(head.status, 301 | 302 | 303 | 307 | 308)
                && connection.redirects < self.plan.max_redirects;
            connection.location = if follows {
                let value = http1::header(bytes, "location");
                value.and_then(|v| same_origin(v, &self.shared.target))
            } else {
                None
            };
        }
    }

    /// A response is whole.
    #[inline]
    fn complete(&mut self, slot: usize, garbage: bool, closing: bool) {
        let connection = &mut self.connections[slot];
        let head = connection.reader.head();
        let reusable = head.reusable && self.plan.keep_alive && !closing && !garbage;
        // A response before the whole request was written leaves the connection unusable.
        let reusable = reusable && connection.state == State::Waiting;
        if garbage {
            self.record.totals.garbage += 1;
        }
        if connection.location.is_some() {
            connection.redirects += 1;
            return self.reuse_or_connect(slot, reusable);
        }
        let sent_ns = connection.sent_ns;
        let mut end = self.now;
        if is_mutant(Mutant::FirstByteEnd) {
            end = connection.first_byte_ns;
        }
        let from = if is_mutant(Mutant::Omit) { sent_ns } else { connection.planned_ns };
        let times = Times {
            service_ns: end - sent_ns,
            response_ns: end - from,
            first_byte_ns: Some(connection.first_byte_ns - sent_ns),
        };
        let kind = connection.kind as usize;
        connection.active = false;
        connection.served += 1;
        connection.failures = 0;
        self.in_flight -= 1;
        if self.shared.requests.get(kind).expects(head.status) || is_mutant(Mutant::CountFailures) {
            self.record.ok(kind, head.status, times);
            if is_mutant(Mutant::CorrectClosed) {
                self.record.invent_omitted(times.service_ns);
            }
        } else {
            let at_ns = self.now - self.start;
            self.record.unexpected(kind, head.status, times, at_ns, &connection.sample);
        }
        self.add_busy(sent_ns);
        let connection = &mut self.connections[slot];
        if reusable {
            connection.state = State::Idle;
        } else {
            if self.plan.keep_alive && !garbage {
                self.record.totals.closed_by_server += 1;
            }
            connection.close();
        }
        self.next_after_answer(slot);
    }

    /// Follows a redirect, on this connection or a new one.
    fn reuse_or_connect(&mut self, slot: usize, reusable: bool) {
        if reusable {
            self.connections[slot].state = State::Idle;
            self.transmit(slot);
        } else {
            self.connections[slot].close();
            self.connect(slot);
        }
    }

    /// The other side has ended the connection.
    fn closed_by_server(&mut self, slot: usize) {
        self.look_at_clock();
        let connection = &mut self.connections[slot];
        if connection.reader.close() {
            return self.complete(slot, false, true);
        }
        let in_body = connection.reader.has_head();
        if is_mutant(Mutant::TruncatedOk) && in_body {
            return self.complete(slot, false, true);
        }
        if in_body {
            let read = connection.reader.body_bytes();
            self.fail(slot, ErrorKind::IncompleteBody, || {
                format!("the connection was closed after {read} bytes of the body")
            });
        } else {
            let read = connection.partial.len();
            self.fail(slot, ErrorKind::ClosedEarly, || {
                format!("the connection was closed after {read} bytes of the head")
            });
        }
    }

    /// The socket failed while a request was under way.
    fn broken(&mut self, slot: usize, error: Errno) {
        self.look_at_clock();
        let connection = &self.connections[slot];
        let tls = connection.stream.as_ref().is_some_and(Stream::is_tls);
        let kind = match error {
            Errno::PROTO if tls => ErrorKind::Tls,
            Errno::NOBUFS | Errno::NOMEM => ErrorKind::GeneratorLimit,
            _ => ErrorKind::Reset,
        };
        self.fail(slot, kind, || error.to_string());
    }

    /// A request ends without an answer.
    pub(crate) fn fail(&mut self, slot: usize, kind: ErrorKind, sample: impl FnOnce() -> String) {
        let connection = &mut self.connections[slot];
        connection.close();
        connection.location = None;
        connection.failures += 1;
        let failures = connection.failures;
        if connection.active {
            connection.active = false;
            self.in_flight -= 1;
            let sent_ns = connection.sent_ns;
            let first = connection.first_byte_ns;
            let times = (sent_ns > 0).then(|| Times {
                service_ns: self.now - sent_ns,
                response_ns: self.now - connection.planned_ns,
                first_byte_ns: (first > 0).then(|| first - sent_ns),
            });
            let request = connection.kind as usize;
            let at_ns = self.now - self.start;
            if !(is_mutant(Mutant::DropTimeouts) && kind.is_timeout()) {
                self.record.error(request, kind, times, at_ns, sample);
            } else {
                self.record.totals.started -= 1;
            }
            if sent_ns > 0 {
                self.add_busy(sent_ns);
            }
        }
        if failures <= 1 {
            return self.next(slot);
        }
        // Reconnecting in a tight loop would burn the core that the service may need.
        let pause = (BACK_OFF_NS << (failures - 2).min(10)).min(BACK_OFF_MOST_NS);
        self.connections[slot].state = State::BackingOff;
        let at = now_ns() + pause;
        self.set_alarm(slot, at);
    }

    /// Something happened on a connection without a request.
    fn idle_event(&mut self, slot: usize, flags: EventFlags) {
        let quiet = EventFlags::OUT;
        if quiet.contains(flags) {
            return;
        }
        let Some(stream) = &mut self.connections[slot].stream else { return };
        match stream.receive(&mut self.buffer[..READ_BYTES]) {
            Err(Errno::AGAIN | Errno::INTR) => return,
            Ok(0) | Err(_) => self.record.totals.closed_by_server += 1,
            Ok(_) => self.record.totals.garbage += 1,
        }
        self.connections[slot].close();
        if !self.connections[slot].listed {
            return;
        }
        // It is on the list of those that can take a request: have it stand again.
        if self.plan.keep_alive {
            self.connect(slot);
        }
    }

    /// Ends what has lasted too long.
    pub(crate) fn time_out(&mut self) {
        let timeouts = self.plan.timeouts;
        let (connect, response, total) =
            (ns(timeouts.connect_s), ns(timeouts.response_s), ns(timeouts.total_s));
        for slot in 0..self.connections.len() {
            let connection = &self.connections[slot];
            let since = |instant: u64| self.now.saturating_sub(instant);
            match connection.state {
                State::Connecting | State::Handshaking
                    if since(connection.connect_ns) >= connect =>
                {
                    let text = format!("no connection within {} s", timeouts.connect_s);
                    self.connect_failed(slot, Failure::new(ErrorKind::ConnectTimeout, text));
                }
                State::Sending | State::Holding | State::Waiting => {
                    if since(connection.sent_ns) >= total {
                        self.fail(slot, ErrorKind::TotalTimeout, || {
                            format!("no whole response within {} s", timeouts.total_s)
                        });
                    } else if since(connection.last_ns) >= response {
                        self.fail(slot, ErrorKind::ResponseTimeout, || {
                            format!("silence for {} s", timeouts.response_s)
                        });
                    }
                }
                _ => {}
            }
        }
    }
}

/// A Location that stays on the target, as a path; others are reported as they are.
fn same_origin(value: &[u8], target: &crate::connect::Target) -> Option<Box<str>> {
    let text = std::str::from_utf8(value).ok()?;
    let scheme = if target.tls.is_some() { "https://" } else { "http://" };
    let path = match text.strip_prefix(scheme) {
        Some(rest) => {
            let rest = rest.strip_prefix(target.authority.as_str())?;
            if rest.is_empty() {
                "/"
            } else {
                rest
            }
        }
        None => text,
    };
    let path = path.split('#').next().unwrap_or("/");
    let fits = path.starts_with('/') && !path.starts_with("//");
    (fits && path.bytes().all(|b| b > b' ' && b != 0x7f)).then(|| path.into())
}

/// The request that follows a redirect: GET, as browsers do for 301 to 303.
fn redirected<'a>(
    location: &str,
    authority: &str,
    cookies: &str,
    out: &'a mut Vec<u8>,
) -> (&'a [u8], usize) {
    out.clear();
    out.extend_from_slice(format!("GET {location} HTTP/1.1\r\nHost: {authority}\r\n").as_bytes());
    if !cookies.is_empty() {
        out.extend_from_slice(format!("Cookie: {cookies}\r\n").as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    let length = out.len();
    (out, length)
}
