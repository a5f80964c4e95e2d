//! Names to addresses, addresses to connections, TLS. Knows no timing.

use std::io::{ErrorKind as IoKind, Read, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    self, sockopt, AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType,
};
use rustls::ClientConnection;

use crate::count::ErrorKind;
use crate::plan::Plan;
use crate::tls;

/// Where a load goes.
#[derive(Debug)]
pub struct Target {
    /// For the Host header.
    pub authority: String,
    /// All addresses of the name, in the system's order; never empty.
    pub addresses: Vec<Address>,
    /// Set for `https`.
    pub tls: Option<tls::Client>,
}

/// One address.
#[derive(Debug, Clone)]
pub enum Address {
    /// IPv4 or IPv6.
    Inet(SocketAddr),
    /// A Unix socket's path.
    Unix(SocketAddrUnix),
}

/// Why there is no connection, or no longer one.
#[derive(Debug)]
pub struct Failure {
    /// Its kind.
    pub kind: ErrorKind,
    /// The system's or the library's words.
    pub text: String,
}

impl Failure {
    /// A failure in these words.
    pub fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}

impl Target {
    /// Reads a plan's target and resolves its name.
    pub fn resolve(plan: &Plan) -> Result<Self, Failure> {
        let bad = |text: String| Failure::new(ErrorKind::BadResponse, text);
        if let Some(path) = plan.target.strip_prefix("unix://") {
            let address = SocketAddrUnix::new(path)
                .map_err(|_| bad(format!("target {:?}: not a socket path", plan.target)))?;
            return Ok(Self {
                authority: "localhost".into(),
                addresses: vec![Address::Unix(address)],
                tls: None,
            });
        }
        let (secure, rest) = match plan.target.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            _ => {
                return Err(bad(format!(
                    "target {:?} must begin with http://, https:// or unix://",
                    plan.target
                )))
            }
        };
        let authority = rest.trim_end_matches('/');
        let (host, port) = split_authority(authority, if secure { 443 } else { 80 })
            .ok_or_else(|| bad(format!("target {:?} is not HOST[:PORT]", plan.target)))?;
        // Addresses that were resolved, and consented to, before are not looked up again: a name
        // that changes in between must not lead the load elsewhere.
        let addresses: Vec<Address> = if plan.addresses.is_empty() {
            (host, port)
                .to_socket_addrs()
                .map_err(|error| Failure::new(ErrorKind::Dns, format!("{host}: {error}")))?
                .map(Address::Inet)
                .collect()
        } else {
            plan.addresses.iter().map(|&ip| Address::Inet(SocketAddr::new(ip, port))).collect()
        };
        if addresses.is_empty() {
            return Err(Failure::new(ErrorKind::Dns, format!("{host}: no addresses")));
        }
        let tls = if secure { Some(tls::Client::new(&plan.tls, host)?) } else { None };
        Ok(Self { authority: authority.to_owned(), addresses, tls })
    }
}

/// Host and port of `host`, `host:port`, `[v6]` or `[v6]:port`.
fn split_authority(authority: &str, default_port: u16) -> Option<(&str, u16)> {
    if authority.is_empty() || authority.contains(['/', '@', ' ', '?', '#']) {
        return None;
    }
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        let port = port.strip_prefix(':').map_or(Some(default_port), |p| p.parse().ok())?;
        return Some((host, port));
    }
    match authority.split_once(':') {
        Some((host, port)) => Some((host, port.parse().ok()?)),
        None => Some((authority, default_port)),
    }
}

/// A connection that may still be on its way.
#[derive(Debug)]
pub struct Stream {
    fd: OwnedFd,
    tls: Option<Box<ClientConnection>>,
}

impl Stream {
    /// Begins to connect; the socket becomes writable when that has succeeded or failed.
    pub fn begin(target: &Target, address: usize) -> Result<Self, Failure> {
        let local = |e: Errno| Failure::new(ErrorKind::GeneratorLimit, format!("socket: {e}"));
        let family = match &target.addresses[address] {
            Address::Inet(SocketAddr::V4(_)) => AddressFamily::INET,
            Address::Inet(SocketAddr::V6(_)) => AddressFamily::INET6,
            Address::Unix(_) => AddressFamily::UNIX,
        };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let fd = net::socket_with(family, SocketType::STREAM, flags, None).map_err(local)?;
        let begun = match &target.addresses[address] {
            Address::Inet(inet) => {
                sockopt::set_tcp_nodelay(&fd, true).map_err(local)?;
                net::connect(&fd, inet)
            }
            Address::Unix(unix) => net::connect(&fd, unix),
        };
        match begun {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => return Err(connect_failure(error)),
        }
        let tls = match &target.tls {
            Some(client) => Some(Box::new(client.connection()?)),
            None => None,
        };
        Ok(Self { fd, tls })
    }

    /// After the socket has become writable: whether the connection stands.
    pub fn finish_connect(&self) -> Result<(), Failure> {
        match sockopt::socket_error(&self.fd) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) | Err(error) => Err(connect_failure(error)),
        }
    }

    /// Whether bytes are encrypted.
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Goes on with the TLS handshake: true when it is done, false when it waits for the socket.
    pub fn handshake(&mut self) -> Result<bool, Failure> {
        let Some(tls) = &mut self.tls else { return Ok(true) };
        let mut socket = Socket(self.fd.as_fd());
        while tls.is_handshaking() {
            match tls.complete_io(&mut socket) {
                Ok(_) => {}
                Err(error) if error.kind() == IoKind::WouldBlock => return Ok(false),
                Err(error) => return Err(tls::failure(&error)),
            }
        }
        // The last flight may still be unsent.
        while tls.wants_write() {
            match tls.write_tls(&mut socket) {
                Ok(_) => {}
                Err(error) if error.kind() == IoKind::WouldBlock => break,
                Err(error) => return Err(tls::failure(&error)),
            }
        }
        Ok(true)
    }

    /// Reads what is there; 0 is the other side's end.
    #[inline]
    pub fn receive(&mut self, into: &mut [u8]) -> Result<usize, Errno> {
        match &mut self.tls {
            None => net::recv(&self.fd, into, RecvFlags::empty()).map(|(n, _)| n),
            Some(tls) => receive_tls(tls, self.fd.as_fd(), into),
        }
    }

    /// Writes what fits.
    #[inline]
    pub fn send(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        match &mut self.tls {
            None => net::send(&self.fd, bytes, SendFlags::NOSIGNAL),
            Some(tls) => send_tls(tls, self.fd.as_fd(), bytes),
        }
    }

    /// Writes what TLS still holds back; true when nothing is left.
    pub fn flush(&mut self) -> Result<bool, Errno> {
        match &mut self.tls {
            None => Ok(true),
            Some(tls) => flush_tls(tls, self.fd.as_fd()),
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn connect_failure(error: Errno) -> Failure {
    let kind = match error {
        Errno::CONNREFUSED | Errno::NOENT => ErrorKind::ConnectRefused,
        Errno::TIMEDOUT => ErrorKind::ConnectTimeout,
        // Ports or memory of this machine have run out. A full Unix backlog gives AGAIN.
        Errno::ADDRNOTAVAIL | Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM => {
            ErrorKind::GeneratorLimit
        }
        Errno::AGAIN => ErrorKind::ConnectRefused,
        _ => ErrorKind::ConnectReset,
    };
    Failure::new(kind, format!("connect: {error}"))
}

/// The raw socket, for rustls.
struct Socket<'a>(BorrowedFd<'a>);

impl Read for Socket<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        Ok(net::recv(self.0, into, RecvFlags::empty()).map(|(n, _)| n)?)
    }
}

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(net::send(self.0, bytes, SendFlags::NOSIGNAL)?)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn errno(error: &std::io::Error) -> Errno {
    match error.raw_os_error() {
        Some(code) => Errno::from_raw_os_error(code),
        None if error.kind() == IoKind::WouldBlock => Errno::AGAIN,
        None => Errno::PROTO,
    }
}

fn receive_tls(
    tls: &mut ClientConnection,
    fd: BorrowedFd<'_>,
    into: &mut [u8],
) -> Result<usize, Errno> {
    loop {
        match tls.reader().read(into) {
            Ok(n) => return Ok(n),
            // The peer went without close_notify: the framing of HTTP decides what that means.
            Err(error) if error.kind() == IoKind::UnexpectedEof => return Ok(0),
            Err(error) if error.kind() == IoKind::WouldBlock => {}
            Err(error) => return Err(errno(&error)),
        }
        match tls.read_tls(&mut Socket(fd)) {
            Ok(_) => {}
            Err(error) => return Err(errno(&error)),
        }
        tls.process_new_packets().map_err(|_| Errno::PROTO)?;
    }
}

fn send_tls(tls: &mut ClientConnection, fd: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize, Errno> {
    let taken = tls.writer().write(bytes).map_err(|e| errno(&e))?;
    flush_tls(tls, fd)?;
    if taken == 0 {
        return Err(Errno::AGAIN);
    }
    Ok(taken)
}

fn flush_tls(tls: &mut ClientConnection, fd: BorrowedFd<'_>) -> Result<bool, Errno> {
    while tls.wants_write() {
        match tls.write_tls(&mut Socket(fd)) {
            Ok(_) => {}
            Err(error) if error.kind() == IoKind::WouldBlock => return Ok(false),
            Err(error) => return Err(errno(&error)),
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::split_authority;

    #[test]
    fn authorities_are_split_as_urls_write_them() {
        for (text, wanted) in [
            ("h", Some(("h", 80))),
            ("h:8000", Some(("h", 8000))),
            ("[::1]", Some(("::1", 80))),
            ("[::1]:9", Some(("::1", 9))),
            ("h:x", None),
            ("u@h", None),
            ("", None),
        ] {
            assert_eq!(split_authority(text, 80), wanted, "{text}");
        }
    }
}
