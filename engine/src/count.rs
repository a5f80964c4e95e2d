//! What is counted: plain numbers that add up over intervals and threads.

/// Transport errors by kind; the order is that of `NAMES`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ErrorKind {
    Dns,
    ConnectRefused,
    ConnectTimeout,
    ConnectReset,
    Tls,
    ClosedEarly,
    Reset,
    ResponseTimeout,
    TotalTimeout,
    IncompleteBody,
    BadResponse,
    HeaderTooLarge,
    GeneratorLimit,
}

impl ErrorKind {
    /// How many kinds there are.
    pub const COUNT: usize = 13;
    const NAMES: [&'static str; Self::COUNT] = [
        "dns",
        "connect-refused",
        "connect-timeout",
        "connect-reset",
        "tls",
        "closed-early",
        "reset",
        "response-timeout",
        "total-timeout",
        "incomplete-body",
        "bad-response",
        "header-too-large",
        "generator-limit",
    ];

    /// The name in results.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// Names by index.
    pub fn names() -> [&'static str; Self::COUNT] {
        Self::NAMES
    }

    /// The server had its time and did not answer; other errors are failures.
    pub fn is_timeout(self) -> bool {
        matches!(self, Self::ConnectTimeout | Self::ResponseTimeout | Self::TotalTimeout)
    }
}

/// Everything that is counted; the difference of two readings is an interval.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct Counters {
    pub planned: u64,
    pub started: u64,
    pub sent: u64,
    pub ok: u64,
    pub failed: u64,
    pub timed_out: u64,
    /// Requests whose instant came and that found the queue full.
    pub rejected: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub opened: u64,
    pub connect_failed: u64,
    pub closed_by_server: u64,
    pub garbage: u64,
    pub interim: u64,
    pub classes: [u64; 5],
    pub errors: [u64; ErrorKind::COUNT],
}

macro_rules! each_counter {
    ($a:expr, $b:expr, $op:tt) => {{
        let (a, b) = ($a, $b);
        a.planned $op b.planned; a.started $op b.started; a.sent $op b.sent; a.ok $op b.ok;
        a.failed $op b.failed; a.timed_out $op b.timed_out; a.rejected $op b.rejected;
        a.bytes_in $op b.bytes_in; a.bytes_out $op b.bytes_out; a.opened $op b.opened;
        a.connect_failed $op b.connect_failed; a.closed_by_server $op b.closed_by_server;
        a.garbage $op b.garbage; a.interim $op b.interim;
        for (x, y) in a.classes.iter_mut().zip(b.classes) { *x $op y; }
        for (x, y) in a.errors.iter_mut().zip(b.errors) { *x $op y; }
    }};
}

impl Counters {
    /// Adds another's counts.
    pub fn add(&mut self, other: &Self) {
        each_counter!(self, other, +=);
    }

    /// What was counted since an earlier reading.
    pub fn since(&self, earlier: &Self) -> Self {
        let mut difference = self.clone();
        each_counter!(&mut difference, earlier, -=);
        difference
    }
}
