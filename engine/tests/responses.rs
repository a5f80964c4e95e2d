//! The response reader against well-formed, broken and random bytes, in every split.
//!
//! The facts of these cases are those of RFC 9112 and of public test collections (llhttp's
//! responses, curl's lengths and trailers); the texts are ours.

use syncline_engine::http1::{Event, Fault, Reader};
use syncline_engine::random::Random;

/// How the bytes of one exchange were understood.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Read {
    /// Status, whether the connection may be reused, body bytes, bytes left over.
    Whole(u16, bool, u64, usize),
    /// The connection's end made it whole.
    AtClose(u16, u64),
    /// The connection ended in the head, or in the body.
    CutInHead,
    CutInBody(u64),
    Broken(Fault),
}

/// Feeds `bytes` in pieces that end at `cuts`, then closes.
fn read(bytes: &[u8], is_head: bool, cuts: &[usize]) -> Read {
    let mut reader = Reader::new(is_head, 1024, Some(1 << 20));
    let mut pending: Vec<u8> = Vec::new();
    let mut from = 0;
    for &to in cuts.iter().chain([&bytes.len()]) {
        pending.extend_from_slice(&bytes[from..to]);
        from = to;
        let mut at = 0;
        loop {
            match reader.feed(&pending[at..]) {
                Err(fault) => return Read::Broken(fault),
                Ok((used, event)) => {
                    assert!(used <= pending.len() - at, "used more than was there");
                    at += used;
                    match event {
                        Event::More => break,
                        Event::Done => {
                            let left = pending.len() - at + bytes.len() - from;
                            let head = reader.head();
                            return Read::Whole(
                                head.status,
                                head.reusable,
                                reader.body_bytes(),
                                left,
                            );
                        }
                        Event::Head | Event::Interim(_) => {}
                    }
                }
            }
        }
        pending.drain(..at);
        assert!(pending.len() <= 1024 + 4, "kept {} bytes of a head", pending.len());
    }
    let in_body = reader.has_head();
    if reader.close() {
        Read::AtClose(reader.head().status, reader.body_bytes())
    } else if in_body {
        Read::CutInBody(reader.body_bytes())
    } else {
        Read::CutInHead
    }
}

/// Reads `bytes` whole, byte by byte, and cut in two at every place: all must agree.
fn read_in_every_split(bytes: &[u8], is_head: bool) -> Read {
    let whole = read(bytes, is_head, &[]);
    let each: Vec<usize> = (1..bytes.len()).collect();
    assert_eq!(read(bytes, is_head, &each), whole, "byte by byte: {}", show(bytes));
    for at in each {
        assert_eq!(read(bytes, is_head, &[at]), whole, "cut at {at}: {}", show(bytes));
    }
    whole
}

fn show(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn responses_are_framed_as_rfc_9112_says() {
    use Read::{AtClose, CutInBody, CutInHead, Whole};
    let cases: &[(&str, Read)] = &[
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", Whole(200, true, 5, 0)),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Whole(200, true, 0, 0)),
        ("HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", Whole(200, true, 1, 0)),
        ("HTTP/1.1 200 \r\ncontent-length:1\r\n\r\nx", Whole(200, true, 1, 0)),
        ("HTTP/1.1 200 OK\nContent-Length: 2\n\nok", Whole(200, true, 2, 0)),
        ("\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Whole(200, true, 0, 0)),
        // Interim responses are passed over; what follows them is the response.
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n\
             HTTP/1.1 204 No Content\r\n\r\n",
            Whole(204, true, 0, 0),
        ),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", Whole(204, true, 0, 0)),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", Whole(304, true, 0, 0)),
        ("HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", Whole(101, false, 0, 0)),
        // Reuse.
        (
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            Whole(200, false, 0, 0),
        ),
        (
            "HTTP/1.1 200 OK\r\nConnection: keep-alive, Close\r\nContent-Length: 0\r\n\r\n",
            Whole(200, false, 0, 0),
        ),
        ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", Whole(200, false, 0, 0)),
        (
            "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n",
            Whole(200, true, 0, 0),
        ),
        // Bodies that end with the connection.
        ("HTTP/1.1 200 OK\r\n\r\nto the end", AtClose(200, 10)),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nxyz", AtClose(200, 3)),
        // Chunks.
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            Whole(200, true, 5, 0),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n\
             00a;name=\"v\"\r\n0123456789\r\n1\r\nx\r\n0\r\nTrailer: t\r\nOther: u\r\n\r\n",
            Whole(200, true, 11, 0),
        ),
        // A length beside chunks: chunks win, the connection is not trusted further.
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            Whole(200, false, 0, 0),
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", CutInBody(3)),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", CutInBody(5)),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", CutInBody(5)),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", CutInBody(5)),
        ("HTTP/1.1 200 OK\r\nContent-Le", CutInHead),
        ("", CutInHead),
        // Several equal lengths are one.
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\nContent-Length: 1\r\n\r\nx",
            Whole(200, true, 1, 0),
        ),
        // What follows a whole response is left over.
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxgarbage", Whole(200, true, 1, 7)),
    ];
    for (text, wanted) in cases {
        assert_eq!(read_in_every_split(text.as_bytes(), false), *wanted, "{text:?}");
    }
}

#[test]
fn an_answer_to_head_has_no_body_whatever_it_says() {
    for text in [
        "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
    ] {
        assert_eq!(read_in_every_split(text.as_bytes(), true), Read::Whole(200, true, 0, 0));
    }
}

#[test]
fn what_breaks_the_grammar_is_refused() {
    for text in [
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 099 Low\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        "HTTP/1.1 200 OK\r\n folded: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\n: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\rX",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000000000000000\r\n",
    ] {
        let read = read_in_every_split(text.as_bytes(), false);
        assert_eq!(read, Read::Broken(Fault::Bad), "{text:?}");
    }
}

#[test]
fn heads_trailers_and_extensions_are_bounded() {
    let long = "x".repeat(2000);
    for text in [
        format!("HTTP/1.1 200 OK\r\nA: {long}\r\n\r\n"),
        format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(400)),
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;{long}\r\n"),
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: {long}\r\n\r\n"),
    ] {
        let each: Vec<usize> = (1..text.len()).collect();
        for cuts in [&[][..], &each] {
            assert_eq!(read(text.as_bytes(), false, cuts), Read::Broken(Fault::TooLong));
        }
    }
}

/// Random edits of sound responses, read in random pieces: no panic, bounded memory (asserted
/// in [`read`]), and the same understanding whatever the pieces.
#[test]
fn no_bytes_and_no_split_confuse_the_reader() {
    let sound = [
        "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: u\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 404 No\r\nConnection: keep-alive\r\n\r\nbody",
        "HTTP/1.1 304 X\r\nContent-Length: 7\r\nConnection: close\r\n\r\n",
    ];
    let alphabet = b"\r\n :;,0159afHTP/\x00\xff\t";
    for case in 0..60_000u64 {
        let mut random = Random::of(11, case);
        let mut bytes = sound[random.below(4) as usize].as_bytes().to_vec();
        for _ in 0..random.below(5) {
            let at = random.below(bytes.len() as u64) as usize;
            let letter = alphabet[random.below(alphabet.len() as u64) as usize];
            match random.below(4) {
                0 => bytes[at] = letter,
                1 => bytes.insert(at, letter),
                2 => drop(bytes.remove(at)),
                _ => {
                    let from = random.below(bytes.len() as u64) as usize;
                    let copy = bytes[from.min(at)..from.max(at)].to_vec();
                    bytes.splice(at..at, copy);
                }
            }
            if bytes.is_empty() {
                bytes.push(b'H');
            }
        }
        let is_head = random.below(8) == 0;
        let mut cuts: Vec<usize> =
            (0..random.below(6)).map(|_| random.below(bytes.len() as u64) as usize).collect();
        cuts.sort_unstable();
        let whole = read(&bytes, is_head, &[]);
        assert_eq!(read(&bytes, is_head, &cuts), whole, "case {case}: {}", show(&bytes));
        let each: Vec<usize> = (1..bytes.len()).collect();
        assert_eq!(read(&bytes, is_head, &each), whole, "case {case}: {}", show(&bytes));
    }
}
