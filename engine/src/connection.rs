//! One slot of the plan's connections: its socket, its request, its response.

use crate::connect::Stream;
use crate::http1::Reader;
use crate::plan::Plan;

/// Where a slot stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// No socket; the next request opens one.
    Closed,
    /// No socket, and none before its alarm.
    BackingOff,
    /// Waiting for TCP.
    Connecting,
    /// Waiting for TLS.
    Handshaking,
    /// Connected, without a request.
    Idle,
    /// A part of the request is still to be written.
    Sending,
    /// The head is written, the body waits for `100 Continue` or its alarm.
    Holding,
    /// The request is written, the response awaited.
    Waiting,
}

/// A slot.
#[derive(Debug)]
pub struct Connection {
    /// The socket, from the begin of connecting to the close.
    pub stream: Option<Stream>,
    /// Where it stands.
    pub state: State,
    /// Counts sockets and alarms, so that late events of an earlier one are known as such.
    pub generation: u32,
    /// A request is assigned; if not yet sent, it waits for the connection.
    pub active: bool,
    /// The slot is in the list of those that can take a request (open loop).
    pub listed: bool,
    /// The request of this slot began in think time's shadow; see the driver.
    pub kind: u32,
    /// The number of the request, for its templates.
    pub number: u64,
    /// When it was planned; in closed loop when it was assigned.
    pub planned_ns: u64,
    /// When its first byte was handed to the system; 0 before.
    pub sent_ns: u64,
    /// When the first byte of the response was read; 0 before.
    pub first_byte_ns: u64,
    /// When bytes last went either way.
    pub last_ns: u64,
    /// When connecting began.
    pub connect_ns: u64,
    /// The response being read.
    pub reader: Reader,
    /// The beginning of a head that is not yet whole.
    pub partial: Vec<u8>,
    /// What is still to be written, from `written` on.
    pub unsent: Vec<u8>,
    /// See `unsent`.
    pub written: usize,
    /// Up to where `unsent` may be written before `100 Continue` comes.
    pub hold_at: usize,
    /// The start of the body of an unexpected answer.
    pub sample: Vec<u8>,
    /// Responses that ended on this slot while measuring.
    pub served: u64,
    /// Failures in a row.
    pub failures: u32,
    /// The address in use; how many were tried for this connection.
    pub address: u16,
    /// See `address`.
    pub tried: u16,
    /// Redirects followed for this request.
    pub redirects: u32,
    /// Where the current redirect leads, if followed.
    pub location: Option<Box<str>>,
    /// Cookies kept, as name and value.
    pub cookies: Vec<(Box<str>, Box<str>)>,
}

impl Connection {
    /// An empty slot.
    pub fn new(plan: &Plan) -> Self {
        Self {
            stream: None,
            state: State::Closed,
            generation: 0,
            active: false,
            listed: false,
            kind: 0,
            number: 0,
            planned_ns: 0,
            sent_ns: 0,
            first_byte_ns: 0,
            last_ns: 0,
            connect_ns: 0,
            reader: Reader::new(false, plan.limits.header_bytes, plan.limits.body_bytes),
            partial: Vec::new(),
            unsent: Vec::new(),
            written: 0,
            hold_at: usize::MAX,
            sample: Vec::new(),
            served: 0,
            failures: 0,
            address: 0,
            tried: 0,
            redirects: 0,
            location: None,
            cookies: Vec::new(),
        }
    }

    /// Drops the socket and what belongs to it; the request, if any, stays assigned.
    pub fn close(&mut self) {
        self.stream = None;
        self.state = State::Closed;
        self.generation = self.generation.wrapping_add(1);
        self.partial.clear();
        self.unsent.clear();
        self.written = 0;
    }

    /// The Cookie header's value.
    pub fn cookie_header(&self) -> String {
        let pairs: Vec<String> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        pairs.join("; ")
    }

    /// Takes a Set-Cookie value in. Path, domain and expiry are not looked at: a connection
    /// talks to one server, for a short time. An empty value deletes.
    pub fn keep_cookie(&mut self, header: &[u8]) {
        /// Enough for a session; a hostile server cannot make it more.
        const MOST: usize = 64;
        let text = String::from_utf8_lossy(header);
        let pair = text.split(';').next().unwrap_or_default();
        let Some((name, value)) = pair.split_once('=') else { return };
        let (name, value) = (name.trim(), value.trim());
        self.cookies.retain(|(known, _)| &**known != name);
        if !value.is_empty() && self.cookies.len() < MOST && text.len() <= 4096 {
            self.cookies.push((name.into(), value.into()));
        }
    }
}
