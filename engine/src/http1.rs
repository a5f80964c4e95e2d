//! HTTP/1.1 responses out of bytes, in whatever pieces they come (RFC 9112).
//!
//! [`Reader::feed`] is given the bytes that are there and says how many it used and whether
//! the response is whole. A head is parsed in place once all of it is in the buffer; bodies
//! are counted, never kept. Knows no schedule and no socket.

use memchr::memchr;

/// What a response's head said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// The connection may carry another request after this response.
    pub reusable: bool,
    /// Where the head begins and ends in the fed buffer; only right at [`Event::Head`].
    pub span: (usize, usize),
}

/// What came of feeding bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// All bytes were used that can be; more are needed.
    More,
    /// The whole final response has been read.
    Done,
    /// An interim response of this status was read. Feed the rest again.
    Interim(u16),
    /// The final head has been read (told once). Feed the rest again.
    Head,
}

/// Why bytes are not a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// They break the grammar, or the framing contradicts itself.
    Bad,
    /// The head is longer than the limit.
    TooLong,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Head,
    Body,
    UntilClose,
    ChunkSize,
    ChunkExtension,
    ChunkData,
    ChunkEnd,
    Trailer,
    Done,
}

/// The state of reading one response.
#[derive(Debug, Clone)]
pub struct Reader {
    phase: Phase,
    /// The request was HEAD.
    bodiless: bool,
    /// Bytes of the body or chunk to come; or digits of a chunk's size so far.
    left: u64,
    /// Bytes of the current line so far (chunk size, trailer), and all trailer bytes.
    line: u32,
    trailer: u32,
    body: u64,
    /// Where the search for the head's end goes on, so that byte-wise arrival stays linear.
    scanned: u32,
    head: Head,
    head_limit: u32,
    body_limit: u64,
}

impl Reader {
    /// A reader for the response to a request.
    pub fn new(is_head: bool, header_limit: usize, body_limit: Option<u64>) -> Self {
        Self {
            phase: Phase::Head,
            bodiless: is_head,
            left: 0,
            line: 0,
            trailer: 0,
            body: 0,
            scanned: 0,
            head: Head::default(),
            head_limit: u32::try_from(header_limit).unwrap_or(u32::MAX),
            body_limit: body_limit.unwrap_or(u64::MAX),
        }
    }

    /// Begins the next response with the same limits.
    #[inline]
    pub fn reset(&mut self, is_head: bool) {
        self.phase = Phase::Head;
        self.bodiless = is_head;
        self.body = 0;
        self.scanned = 0;
        self.trailer = 0;
    }

    /// What the head said; of use once it has been read.
    #[inline]
    pub fn head(&self) -> Head {
        self.head
    }

    /// Whether the final head has been read.
    pub fn has_head(&self) -> bool {
        self.phase != Phase::Head
    }

    /// Bytes of the body read so far.
    pub fn body_bytes(&self) -> u64 {
        self.body
    }

    /// The connection was closed by the other side: true if that ends the response well.
    pub fn close(&mut self) -> bool {
        if self.phase == Phase::UntilClose {
            self.phase = Phase::Done;
        }
        self.phase == Phase::Done
    }

    /// Reads on. Returns how many bytes were used and what came of it.
    ///
    /// While a head is incomplete none of its bytes are used: feed them again with what follows.
    #[inline]
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(usize, Event), Fault> {
        if self.phase == Phase::Head {
            return self.feed_head(bytes);
        }
        self.feed_body(bytes)
    }

    fn feed_head(&mut self, bytes: &[u8]) -> Result<(usize, Event), Fault> {
        let mut at = 0;
        // A server may send empty lines before a response (RFC 9112, 2.2, for requests; seen).
        while bytes[at..].starts_with(b"\r\n") {
            at += 2;
        }
        let rest = &bytes[at..];
        let Some(length) = self.head_length(rest) else {
            if rest.len() as u64 > u64::from(self.head_limit) {
                return Err(Fault::TooLong);
            }
            // What has come so far must at least begin like a response.
            let prefix = rest.len().min(5);
            if rest[..prefix] != b"HTTP/"[..prefix] && rest != b"\r" {
                return Err(Fault::Bad);
            }
            return Ok((0, Event::More));
        };
        if length as u64 > u64::from(self.head_limit) {
            return Err(Fault::TooLong);
        }
        let fields = parse_head(&rest[..length])?;
        self.scanned = 0;
        let used = at + length;
        let status = fields.status;
        if (100..200).contains(&status) && status != 101 {
            return Ok((used, Event::Interim(status)));
        }
        self.begin_body(&fields);
        self.head.span = (at, used);
        Ok((used, Event::Head))
    }

    /// The length of the head with its empty line, if all of it is there.
    #[inline]
    fn head_length(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = self.scanned as usize;
        while let Some(found) = memchr(b'\n', bytes.get(at..)?) {
            let end = at + found + 1;
            match bytes[end..] {
                [b'\n', ..] => return Some(end + 1),
                [b'\r', b'\n', ..] => return Some(end + 2),
                // The decisive bytes are still to come: look at this line's end again.
                [] | [b'\r'] => {
                    self.scanned = (end - 1) as u32;
                    return None;
                }
                _ => at = end,
            }
        }
        self.scanned = bytes.len() as u32;
        None
    }

    /// RFC 9112, section 6.3: how long the body is.
    #[inline]
    fn begin_body(&mut self, fields: &Fields) {
        let status = fields.status;
        let mut reusable =
            if fields.minor == 0 { fields.keep_alive && !fields.close } else { !fields.close };
        self.left = fields.length.unwrap_or(0);
        self.phase = if self.bodiless || status == 204 || status == 304 {
            Phase::Done
        } else if status == 101 {
            reusable = false;
            Phase::Done
        } else if fields.chunked {
            // A length beside it is a sign of a confused peer: do not reuse the connection.
            reusable &= fields.length.is_none();
            self.left = 0;
            self.line = 0;
            Phase::ChunkSize
        } else if fields.coded || fields.length.is_none() {
            reusable = false;
            Phase::UntilClose
        } else if self.left == 0 {
            Phase::Done
        } else {
            Phase::Body
        };
        self.head = Head { status, reusable, span: (0, 0) };
    }

    fn feed_body(&mut self, bytes: &[u8]) -> Result<(usize, Event), Fault> {
        let mut at = 0;
        loop {
            let rest = &bytes[at..];
            match self.phase {
                Phase::Done => return Ok((at, Event::Done)),
                Phase::Body | Phase::ChunkData => {
                    let taken = (rest.len() as u64).min(self.left);
                    self.left -= taken;
                    self.count_body(taken)?;
                    at += taken as usize;
                    if self.left > 0 {
                        return Ok((at, Event::More));
                    }
                    self.phase =
                        if self.phase == Phase::Body { Phase::Done } else { Phase::ChunkEnd };
                    self.line = 0;
                }
                Phase::UntilClose => {
                    self.count_body(rest.len() as u64)?;
                    return Ok((bytes.len(), Event::More));
                }
                _ => {
                    let Some(&byte) = rest.first() else { return Ok((at, Event::More)) };
                    at += 1;
                    self.feed_chunk_framing(byte)?;
                }
            }
        }
    }

    /// One byte between the data of a chunked body (RFC 9112, section 7.1).
    fn feed_chunk_framing(&mut self, byte: u8) -> Result<(), Fault> {
        match self.phase {
            Phase::ChunkSize => match (byte, (byte as char).to_digit(16)) {
                (_, Some(digit)) => {
                    // 15 digits are 2^60 bytes; more is an attempt at an overflow.
                    if self.line >= 15 {
                        return Err(Fault::Bad);
                    }
                    self.left = self.left * 16 + u64::from(digit);
                    self.line += 1;
                }
                (b';' | b' ' | b'\t' | b'\r', None) if self.line > 0 => {
                    self.phase = Phase::ChunkExtension;
                    self.line = if byte == b'\r' { u32::MAX } else { 0 };
                }
                (b'\n', None) if self.line > 0 => self.end_chunk_size(),
                _ => return Err(Fault::Bad),
            },
            Phase::ChunkExtension => match byte {
                b'\n' => self.end_chunk_size(),
                // After the carriage return nothing but the line feed may stand.
                _ if self.line == u32::MAX => return Err(Fault::Bad),
                b'\r' => self.line = u32::MAX,
                _ => {
                    self.line += 1;
                    if self.line > self.head_limit {
                        return Err(Fault::TooLong);
                    }
                }
            },
            Phase::ChunkEnd => match byte {
                b'\r' if self.line == 0 => self.line = 1,
                b'\n' => {
                    self.phase = Phase::ChunkSize;
                    self.left = 0;
                    self.line = 0;
                }
                _ => return Err(Fault::Bad),
            },
            Phase::Trailer => {
                self.trailer += 1;
                if self.trailer > self.head_limit {
                    return Err(Fault::TooLong);
                }
                match byte {
                    b'\n' if self.line == 0 => self.phase = Phase::Done,
                    b'\n' => self.line = 0,
                    b'\r' => {}
                    _ => self.line += 1,
                }
            }
            Phase::Head | Phase::Body | Phase::UntilClose | Phase::ChunkData | Phase::Done => {}
        }
        Ok(())
    }

    fn end_chunk_size(&mut self) {
        self.line = 0;
        self.phase = if self.left == 0 { Phase::Trailer } else { Phase::ChunkData };
    }

    fn count_body(&mut self, taken: u64) -> Result<(), Fault> {
        self.body += taken;
        if self.body > self.body_limit {
            return Err(Fault::Bad);
        }
        Ok(())
    }
}

/// What of a head decides how to go on.
#[derive(Debug, Default)]
struct Fields {
    status: u16,
    minor: u8,
    length: Option<u64>,
    chunked: bool,
    /// Another transfer coding than chunked is the last: the body ends with the connection.
    coded: bool,
    close: bool,
    keep_alive: bool,
}

/// Parses a whole head, its empty line included.
#[inline]
fn parse_head(head: &[u8]) -> Result<Fields, Fault> {
    let mut fields = Fields::default();
    // "HTTP/1.1 200", then a reason after a space, or nothing.
    let (&[b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor, b' ', a, b, c], rest) =
        head.split_first_chunk::<12>().ok_or(Fault::Bad)?
    else {
        return Err(Fault::Bad);
    };
    if !minor.is_ascii_digit()
        || !(b'1'..=b'9').contains(&a)
        || !b.is_ascii_digit()
        || !c.is_ascii_digit()
    {
        return Err(Fault::Bad);
    }
    if !matches!(rest.first(), Some(b' ' | b'\r' | b'\n')) {
        return Err(Fault::Bad);
    }
    fields.minor = minor - b'0';
    fields.status = u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0');
    let mut at = 12 + memchr(b'\n', rest).ok_or(Fault::Bad)? + 1;
    loop {
        let rest = &head[at..];
        let end = memchr(b'\n', rest).ok_or(Fault::Bad)?;
        let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        at += end + 1;
        if line.is_empty() {
            return Ok(fields);
        }
        parse_field(line, &mut fields)?;
    }
}

#[inline]
fn parse_field(line: &[u8], fields: &mut Fields) -> Result<(), Fault> {
    let colon = memchr(b':', line).ok_or(Fault::Bad)?;
    let name = &line[..colon];
    // Folded lines and a space before the colon are how responses are smuggled.
    if name.is_empty() || name[0].is_ascii_whitespace() || name[colon - 1].is_ascii_whitespace() {
        return Err(Fault::Bad);
    }
    match name.len() {
        14 if name.eq_ignore_ascii_case(b"content-length") => {
            let length = parse_length(line[colon + 1..].trim_ascii())?;
            if fields.length.is_some_and(|earlier| earlier != length) {
                return Err(Fault::Bad);
            }
            fields.length = Some(length);
        }
        17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
            let last = line[colon + 1..].rsplit(|&b| b == b',').next().unwrap_or_default();
            fields.chunked = last.trim_ascii().eq_ignore_ascii_case(b"chunked");
            fields.coded = !fields.chunked;
        }
        10 if name.eq_ignore_ascii_case(b"connection") => {
            for token in line[colon + 1..].split(|&b| b == b',') {
                let token = token.trim_ascii();
                fields.close |= token.eq_ignore_ascii_case(b"close");
                fields.keep_alive |= token.eq_ignore_ascii_case(b"keep-alive");
            }
        }
        _ => {}
    }
    Ok(())
}

/// Digits only: no sign, no list unless all its members agree (RFC 9110, section 8.6).
fn parse_length(value: &[u8]) -> Result<u64, Fault> {
    let mut known = None;
    for member in value.split(|&b| b == b',') {
        let digits = member.trim_ascii();
        if digits.is_empty() || digits.len() > 18 || !digits.iter().all(u8::is_ascii_digit) {
            return Err(Fault::Bad);
        }
        let length = digits.iter().fold(0u64, |sum, &d| sum * 10 + u64::from(d - b'0'));
        if known.is_some_and(|earlier| earlier != length) {
            return Err(Fault::Bad);
        }
        known = Some(length);
    }
    known.ok_or(Fault::Bad)
}

/// The value of the first header of that name in a whole head.
pub fn header<'a>(head: &'a [u8], wanted: &'a str) -> Option<&'a [u8]> {
    headers(head, wanted).next()
}

/// The values of all headers of that name in a whole head.
pub fn headers<'a>(head: &'a [u8], wanted: &'a str) -> impl Iterator<Item = &'a [u8]> {
    head.split(|&b| b == b'\n').skip(1).filter_map(move |line| {
        let colon = memchr(b':', line)?;
        line[..colon]
            .eq_ignore_ascii_case(wanted.as_bytes())
            .then(|| line[colon + 1..].trim_ascii())
    })
}
