//! Requests compiled to bytes, with seeded variables in `{{…}}`.
//!
//! A request without variables is one byte string, written as it is. One with variables is a
//! list of parts that is expanded for each request number; what a part expands to depends on
//! the seed and that number alone.
//!
//! | template | expands to |
//! | --- | --- |
//! | `{{string:N}}`, `{{string:N:ALPHABET}}` | N random characters, of A–Z a–z 0–9 by default |
//! | `{{int:LOW:HIGH}}` | a random whole number, both ends included |
//! | `{{seq}}`, `{{seq:FIRST}}` | the request's number, from 0 or FIRST |
//! | `{{uuid}}` | a random UUID (version 4) |
//! | `{{choice:A\|B\|C}}` | one of them |
//! | `{{line:FILE}}`, `{{line:FILE:random}}` | a line of a text file, in order or random |
//! | `{{csv:FILE:COLUMN}}` | a column of the row whose turn it is; the same row in one request |
//! | `{{time}}` | now, as milliseconds since 1970 |

use std::io::Write;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;

use crate::data::Files;
use crate::plan::{Plan, RequestSpec};
use crate::random::Random;

const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// All requests of a plan, ready to be written.
#[derive(Debug)]
pub struct Requests {
    requests: Vec<Compiled>,
    /// Cumulated weights, the last being the sum.
    weights: Vec<f64>,
    seed: u64,
}

/// One request, ready to be written.
#[derive(Debug)]
pub struct Compiled {
    /// What reports call it.
    pub name: String,
    /// HEAD: its response has no body whatever its header says.
    pub is_head: bool,
    /// `Expect: 100-continue` was asked for: the body waits for the server's leave.
    pub waits_for_continue: bool,
    expect: Vec<u16>,
    body: Vec<Part>,
    head: Vec<Part>,
    /// Where the body begins in the bytes, if they never change.
    fixed: Option<(Vec<u8>, usize)>,
}

#[derive(Debug, Clone)]
enum Part {
    Literal(Vec<u8>),
    /// The length of the expanded body.
    BodyLength,
    Text {
        alphabet: Vec<u8>,
        length: usize,
    },
    Integer {
        low: i64,
        high: i64,
    },
    Sequence {
        first: u64,
    },
    Uuid,
    Choice(Vec<String>),
    Lines {
        lines: Arc<Vec<String>>,
        random: bool,
    },
    Milliseconds,
}

impl Requests {
    /// Compiles the requests of a plan for an authority (`host:port` as the Host header has it).
    pub fn compile(plan: &Plan, authority: &str) -> Result<Self, String> {
        let mut files = Files::default();
        let mut weights = Vec::new();
        let mut sum = 0.0;
        for spec in &plan.requests {
            sum += spec.weight;
            weights.push(sum);
        }
        let requests = plan
            .requests
            .iter()
            .map(|spec| Compiled::new(spec, plan, authority, &mut files))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { requests, weights, seed: plan.seed })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.requests.len()
    }

    /// Whether there are none; a plan has at least one.
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// The request of that index.
    #[inline]
    pub fn get(&self, index: usize) -> &Compiled {
        &self.requests[index]
    }

    /// Which request the one of this number is, by weight.
    #[inline]
    pub fn pick(&self, number: u64) -> usize {
        if self.requests.len() == 1 {
            return 0;
        }
        let at = Random::of(self.seed, !number).unit() * self.weights[self.weights.len() - 1];
        self.weights.partition_point(|&w| w <= at).min(self.requests.len() - 1)
    }

    /// The bytes of request `index` with number `number`, and where its body begins.
    ///
    /// They are the fixed ones where nothing varies; else they are written to `scratch`.
    #[inline]
    pub fn bytes<'a>(
        &'a self,
        index: usize,
        number: u64,
        cookies: &str,
        scratch: &'a mut Vec<u8>,
    ) -> (&'a [u8], usize) {
        let request = &self.requests[index];
        match &request.fixed {
            Some((bytes, body_at)) if cookies.is_empty() => (bytes, *body_at),
            _ => {
                let body_at = request.expand(self.seed, number, cookies, scratch);
                (scratch, body_at)
            }
        }
    }
}

impl Compiled {
    fn new(
        spec: &RequestSpec,
        plan: &Plan,
        authority: &str,
        files: &mut Files,
    ) -> Result<Self, String> {
        let name = if spec.name.is_empty() {
            format!("{} {}", spec.method, spec.path)
        } else {
            spec.name.clone()
        };
        let token = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|b| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&b))
        };
        if !token(&spec.method) {
            return Err(format!("plan: method {:?} is not an HTTP token", spec.method));
        }
        if !spec.path.starts_with('/') && spec.path != "*" {
            return Err(format!("plan: path {:?} must start with '/'", spec.path));
        }
        if spec.path.bytes().any(|b| b <= b' ' || b == 0x7f) && !spec.path.contains("{{") {
            return Err(format!(
                "plan: path {:?} holds a space or a control character; percent-encode it",
                spec.path
            ));
        }
        let given = |wanted: &str| spec.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(wanted));
        let mut head = format!("{} {} HTTP/1.1\r\n", spec.method, spec.path);
        if !given("host") {
            head += &format!("Host: {authority}\r\n");
        }
        if !given("user-agent") && !plan.user_agent.is_empty() {
            head += &format!("User-Agent: {}\r\n", plan.user_agent);
        }
        for (header, value) in &spec.headers {
            if !token(header) || value.contains(['\r', '\n', '\0']) {
                return Err(format!("plan: header {header:?} is not a valid name and value"));
            }
            head += &format!("{header}: {value}\r\n");
        }
        if !plan.keep_alive && !given("connection") {
            head += "Connection: close\r\n";
        }
        let body = match (&spec.body, &spec.body_base64) {
            (Some(text), None) => parts(text, spec.templates, files)?,
            (None, Some(encoded)) => vec![Part::Literal(
                base64::engine::general_purpose::STANDARD
                    .decode(encoded)
                    .map_err(|e| format!("plan: body_base64 of {name:?} is not base64: {e}"))?,
            )],
            (None, None) => Vec::new(),
            (Some(_), Some(_)) => return Err(format!("plan: {name:?} has two bodies")),
        };
        let mut head = parts(&head, spec.templates, files)?;
        let may_have_body = matches!(spec.method.as_str(), "POST" | "PUT" | "PATCH");
        let framed = given("content-length") || given("transfer-encoding");
        if (!body.is_empty() || may_have_body) && !framed {
            head.push(Part::Literal(b"Content-Length: ".to_vec()));
            head.push(Part::BodyLength);
            head.push(Part::Literal(b"\r\n".to_vec()));
        }
        let waits_for_continue = spec.headers.iter().any(|(n, v)| {
            n.eq_ignore_ascii_case("expect") && v.eq_ignore_ascii_case("100-continue")
        });
        let mut compiled = Self {
            name,
            is_head: spec.method == "HEAD",
            waits_for_continue: waits_for_continue && !body.is_empty(),
            expect: spec.expect.clone(),
            body,
            head,
            fixed: None,
        };
        let steady = |p: &Part| matches!(p, Part::Literal(_) | Part::BodyLength);
        if compiled.head.iter().chain(&compiled.body).all(steady) {
            let mut bytes = Vec::new();
            let body_at = compiled.expand(0, 0, "", &mut bytes);
            compiled.fixed = Some((bytes, body_at));
        }
        Ok(compiled)
    }

    /// Whether a response of this status is what was wanted.
    #[inline]
    pub fn expects(&self, status: u16) -> bool {
        if self.expect.is_empty() {
            (200..400).contains(&status)
        } else {
            self.expect.contains(&status)
        }
    }

    fn expand(&self, seed: u64, number: u64, cookies: &str, out: &mut Vec<u8>) -> usize {
        let mut random = Random::of(seed, number);
        out.clear();
        // The body comes first, since the head tells its length; it is then moved behind the
        // head by one rotation.
        for part in &self.body {
            part.write(&mut random, number, 0, out);
        }
        let length = out.len();
        for part in &self.head {
            part.write(&mut random, number, length, out);
        }
        if !cookies.is_empty() {
            out.extend_from_slice(b"Cookie: ");
            out.extend_from_slice(cookies.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"\r\n");
        out.rotate_left(length);
        out.len() - length
    }
}

impl Part {
    fn write(&self, random: &mut Random, number: u64, body_length: usize, out: &mut Vec<u8>) {
        // Writing to a vector cannot fail.
        match self {
            Self::Literal(bytes) => out.extend_from_slice(bytes),
            Self::BodyLength => drop(write!(out, "{body_length}")),
            Self::Text { alphabet, length } => {
                // Four characters of one draw, 16 bits each: the bias is below alphabet/65536.
                let size = alphabet.len() as u64;
                let mut left = *length;
                while left > 0 {
                    let mut draw = random.bits();
                    for _ in 0..left.min(4) {
                        out.push(alphabet[(((draw & 0xffff) * size) >> 16) as usize]);
                        draw >>= 16;
                    }
                    left = left.saturating_sub(4);
                }
            }
            Self::Integer { low, high } => {
                let span = high.abs_diff(*low).saturating_add(1);
                let value = low.wrapping_add_unsigned(random.below(span));
                drop(write!(out, "{value}"));
            }
            Self::Sequence { first } => drop(write!(out, "{}", first.wrapping_add(number))),
            Self::Uuid => {
                let (a, b) = (random.bits(), random.bits());
                drop(write!(
                    out,
                    "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
                    a >> 32,
                    (a >> 16) & 0xffff,
                    a & 0xfff,
                    0x8000 | ((b >> 48) & 0x3fff),
                    b & 0xffff_ffff_ffff
                ));
            }
            Self::Choice(items) => {
                let index = random.below(items.len() as u64) as usize;
                out.extend_from_slice(items[index].as_bytes());
            }
            Self::Lines { lines, random: false } => {
                let index = (number % lines.len() as u64) as usize;
                out.extend_from_slice(lines[index].as_bytes());
            }
            Self::Lines { lines, random: true } => {
                let index = random.below(lines.len() as u64) as usize;
                out.extend_from_slice(lines[index].as_bytes());
            }
            Self::Milliseconds => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                drop(write!(out, "{}", now.as_millis()));
            }
        }
    }
}

fn parts(text: &str, templates: bool, files: &mut Files) -> Result<Vec<Part>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("{{").filter(|_| templates) {
        let (before, after) = rest.split_at(at);
        let end = after.find("}}").ok_or_else(|| {
            format!("plan: a template is not closed in {after:?}; write '}}}}', or send without templates")
        })?;
        if !before.is_empty() {
            found.push(Part::Literal(before.into()));
        }
        found.push(part(&after[2..end], files)?);
        rest = &after[end + 2..];
    }
    if !rest.is_empty() {
        found.push(Part::Literal(rest.into()));
    }
    Ok(found)
}

fn part(text: &str, files: &mut Files) -> Result<Part, String> {
    let (kind, args) = text.trim().split_once(':').unwrap_or((text.trim(), ""));
    let wrong = |wanted: &str| format!("plan: template {{{{{text}}}}}: write {{{{{wanted}}}}}");
    match kind {
        "string" => {
            let (length, alphabet) = args.split_once(':').unwrap_or((args, ""));
            let length = length.parse().map_err(|_| wrong("string:LENGTH"))?;
            let alphabet = if alphabet.is_empty() { ALPHANUMERIC } else { alphabet.as_bytes() };
            if !alphabet.is_ascii() {
                return Err(wrong("string:LENGTH:ASCII-ALPHABET"));
            }
            Ok(Part::Text { alphabet: alphabet.to_vec(), length })
        }
        "int" => {
            let bounds = args.split_once(':').and_then(|(low, high)| {
                Some((low.parse::<i64>().ok()?, high.parse::<i64>().ok()?))
            });
            match bounds {
                Some((low, high)) if low <= high => Ok(Part::Integer { low, high }),
                _ => Err(wrong("int:LOW:HIGH")),
            }
        }
        "seq" if args.is_empty() => Ok(Part::Sequence { first: 0 }),
        "seq" => args.parse().map(|first| Part::Sequence { first }).map_err(|_| wrong("seq:FIRST")),
        "uuid" => Ok(Part::Uuid),
        "choice" if !args.is_empty() => {
            Ok(Part::Choice(args.split('|').map(str::to_owned).collect()))
        }
        "line" if !args.is_empty() => {
            let (path, random) =
                args.strip_suffix(":random").map_or((args, false), |path| (path, true));
            Ok(Part::Lines { lines: files.lines(path)?, random })
        }
        "csv" => {
            let (path, column) = args.rsplit_once(':').ok_or_else(|| wrong("csv:FILE:COLUMN"))?;
            Ok(Part::Lines { lines: files.column(path, column)?, random: false })
        }
        "time" => Ok(Part::Milliseconds),
        _ => Err(format!(
            "plan: template {{{{{text}}}}} is not known; known are string, int, seq, uuid, choice, \
             line, csv, time"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(json: &str) -> Result<Requests, String> {
        let plan = format!(
            r#"{{"target":"http://h","schedule":{{"kind":"closed"}},"connections":1,
                "duration_s":1,"requests":{json}}}"#
        );
        Requests::compile(&Plan::from_json(&plan)?, "h:80")
    }

    fn sent(json: &str, number: u64) -> String {
        let mut scratch = Vec::new();
        let requests = requests(json).unwrap();
        let (bytes, _) = requests.bytes(requests.pick(number), number, "", &mut scratch);
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn a_plain_request_is_written_as_any_client_would() {
        assert_eq!(
            sent(r#"[{"path":"/a?b=1"}]"#, 0),
            "GET /a?b=1 HTTP/1.1\r\nHost: h:80\r\nUser-Agent: syncline\r\n\r\n"
        );
        assert_eq!(
            sent(r#"[{"path":"/","method":"POST","body":"xy","headers":[["host","z"]]}]"#, 0),
            "POST / HTTP/1.1\r\nUser-Agent: syncline\r\nhost: z\r\nContent-Length: 2\r\n\r\nxy"
        );
    }

    #[test]
    fn the_key_value_workload_is_one_line_and_repeats_with_its_seed() {
        let json =
            r#"[{"path":"/v0/entity?id={{string:3}}","method":"PUT","body":"{{string:300}}"}]"#;
        let first = sent(json, 7);
        assert_eq!(first, sent(json, 7));
        assert_ne!(first, sent(json, 8));
        let (head, body) = first.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("Content-Length: 300") && body.len() == 300, "{first}");
        assert!(body.bytes().all(|b| b.is_ascii_alphanumeric()));
    }

    #[test]
    fn every_template_expands_within_its_bounds() {
        for number in 0..200 {
            let text = sent(
                r#"[{"path":"/{{int:-2:2}}/{{seq:5}}/{{choice:a|b}}/{{uuid}}/{{string:2:x}}"}]"#,
                number,
            );
            let path: Vec<&str> = text.split(' ').nth(1).unwrap().split('/').collect();
            assert!((-2..=2).contains(&path[1].parse::<i32>().unwrap()));
            assert_eq!(path[2], (number + 5).to_string());
            assert!(["a", "b"].contains(&path[3]));
            assert_eq!((path[4].len(), path[4].as_bytes()[14]), (36, b'4'));
            assert_eq!(path[5], "xx");
        }
    }

    #[test]
    fn weights_share_out_the_requests() {
        let requests = requests(r#"[{"path":"/a","weight":3},{"path":"/b","weight":1}]"#).unwrap();
        let second = (0..40_000).filter(|&n| requests.pick(n) == 1).count();
        assert!((9_600..10_400).contains(&second), "{second}");
    }

    #[test]
    fn what_cannot_be_sent_is_refused_with_its_reason() {
        for (json, word) in [
            (r#"[{"path":"/{{nope}}"}]"#, "not known"),
            (r#"[{"path":"/{{int:5:1}}"}]"#, "int:LOW:HIGH"),
            (r#"[{"path":"/{{string:3"}]"#, "not closed"),
            (r#"[{"path":"/","headers":[["a\r\nb","c"]]}]"#, "header"),
            (r#"[{"path":"/a b"}]"#, "percent-encode"),
            (r#"[{"path":"/{{line:/does/not/exist}}"}]"#, "/does/not/exist"),
        ] {
            let error = requests(json).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
        assert!(requests(r#"[{"path":"/{{x}}","templates":false}]"#).is_ok());
    }
}
