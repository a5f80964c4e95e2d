//! An HTTP server that does as little as a server can: what the engine is measured against when
//! the client, not the server, is to be the limit.
//!
//! ```text
//! fast_server BODY_BYTES
//! ```
//!
//! Listens on a free loopback port and prints it. Every request head gets the same answer; a
//! request body would be taken for the next head, so it is for GET only. Ends when its standard
//! input does.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

const LISTENER: u64 = u64::MAX;
const STDIN: u64 = u64::MAX - 1;

/// A connection, and how much of a head's ending (`\r\n\r\n`) its last bytes were.
struct Client {
    stream: TcpStream,
    matched: usize,
}

fn main() -> std::io::Result<()> {
    let body_bytes = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(12);
    let answer = answer(body_bytes);
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    // The standard library listens with a queue of 128; a second listen() only lengthens it.
    rustix::net::listen(&listener, 16_384)?;
    println!("{}", listener.local_addr()?.port());

    let poll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&poll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
    epoll::add(&poll, std::io::stdin(), EventData::new_u64(STDIN), EventFlags::IN)?;
    let mut clients: Vec<Option<Client>> = Vec::new();
    let mut events: Vec<Event> = Vec::with_capacity(1024);
    let mut buffer = vec![0; 65_536];
    loop {
        events.clear();
        match epoll::wait(&poll, spare_capacity(&mut events), None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &events {
            match event.data.u64() {
                LISTENER => accept_all(&listener, &poll, &mut clients)?,
                STDIN => return Ok(()),
                fd => {
                    let slot = &mut clients[fd as usize];
                    let open = slot
                        .as_mut()
                        .is_some_and(|client| serve(client, &mut buffer, &answer).unwrap_or(false));
                    if !open {
                        *slot = None; // closing it takes it out of the epoll set
                    }
                }
            }
        }
    }
}

fn answer(body_bytes: usize) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {body_bytes}\r\n\r\n"
    );
    let mut answer = head.into_bytes();
    answer.resize(answer.len() + body_bytes, b'x');
    answer
}

fn accept_all(
    listener: &TcpListener,
    poll: &impl std::os::fd::AsFd,
    clients: &mut Vec<Option<Client>>,
) -> std::io::Result<()> {
    loop {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let fd = stream.as_raw_fd() as usize;
        epoll::add(poll, &stream, EventData::new_u64(fd as u64), EventFlags::IN)?;
        if clients.len() <= fd {
            clients.resize_with(fd + 1, || None);
        }
        clients[fd] = Some(Client { stream, matched: 0 });
    }
}

/// Answers what has arrived; false when the client has left.
fn serve(client: &mut Client, buffer: &mut [u8], answer: &[u8]) -> std::io::Result<bool> {
    let count = match client.stream.read(buffer) {
        Ok(0) => return Ok(false),
        Ok(count) => count,
        Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
        Err(error) => return Err(error),
    };
    for _ in 0..heads_ended(&mut client.matched, &buffer[..count]) {
        write_whole(&mut client.stream, answer)?;
    }
    Ok(true)
}

fn heads_ended(matched: &mut usize, bytes: &[u8]) -> usize {
    const ENDING: &[u8] = b"\r\n\r\n";
    if *matched == 0 && bytes.ends_with(ENDING) && bytes.len() < 256 {
        // One small whole request: the only thing that a load generator sends.
        if memchr::memmem::find(bytes, ENDING) == Some(bytes.len() - ENDING.len()) {
            return 1;
        }
    }
    let mut ended = 0;
    for &byte in bytes {
        *matched = match byte {
            _ if byte == ENDING[*matched] => *matched + 1,
            b'\r' => 1,
            _ => 0,
        };
        if *matched == ENDING.len() {
            ended += 1;
            *matched = 0;
        }
    }
    ended
}

/// A client that does not read holds the server up; it is a yardstick, not a server.
fn write_whole(stream: &mut TcpStream, mut bytes: &[u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
