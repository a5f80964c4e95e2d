//! Opening connections: addresses in turn, TLS, and what a failure costs.

use crate::clock::now_ns;
use crate::connect::{Failure, Stream};
use crate::connection::State;
use crate::count::ErrorKind;
use crate::drive::Driver;
use crate::record::note;

impl Driver<'_> {
    /// Opens a connection for a slot.
    pub(crate) fn connect(&mut self, slot: usize) {
        let connection = &mut self.connections[slot];
        connection.tried = 0;
        connection.address = self.good_address;
        connection.connect_ns = now_ns();
        self.connect_on(slot);
    }

    fn connect_on(&mut self, slot: usize) {
        loop {
            let connection = &mut self.connections[slot];
            let address = usize::from(connection.address);
            connection.tried += 1;
            let begun = Stream::begin(&self.shared.target, address).and_then(|stream| {
                let connection = &mut self.connections[slot];
                connection.generation = connection.generation.wrapping_add(1);
                connection.stream = Some(stream);
                connection.state = State::Connecting;
                self.arm(slot)
                    .map_err(|e| Failure::new(ErrorKind::GeneratorLimit, format!("epoll: {e}")))
            });
            match begun {
                Ok(()) => return,
                Err(failure) if self.another_address(slot) => drop(failure),
                Err(failure) => return self.connect_failed(slot, failure),
            }
        }
    }

    /// Moves on to the next address of the name, if there is one not yet tried.
    fn another_address(&mut self, slot: usize) -> bool {
        let addresses = self.shared.target.addresses.len() as u16;
        let connection = &mut self.connections[slot];
        connection.close();
        if connection.tried >= addresses {
            return false;
        }
        connection.address = (connection.address + 1) % addresses;
        true
    }

    pub(crate) fn connected(&mut self, slot: usize) {
        let connection = &mut self.connections[slot];
        let Some(stream) = &connection.stream else { return };
        match stream.finish_connect() {
            Ok(()) if stream.is_tls() => {
                connection.state = State::Handshaking;
                self.shake_hands(slot);
            }
            Ok(()) => self.stands(slot),
            Err(failure) => {
                if self.another_address(slot) {
                    self.connect_on(slot);
                } else {
                    self.connect_failed(slot, failure);
                }
            }
        }
    }

    /// The slot could not have a request in flight while it connected.
    fn excuse(&mut self, slot: usize) {
        let since = self.connections[slot].connect_ns.max(self.measured_from);
        self.excused_ns += u128::from(self.now.saturating_sub(since));
    }

    pub(crate) fn shake_hands(&mut self, slot: usize) {
        let Some(stream) = &mut self.connections[slot].stream else { return };
        match stream.handshake() {
            Ok(true) => self.stands(slot),
            Ok(false) => {}
            Err(failure) => self.connect_failed(slot, failure),
        }
    }

    /// A connection is open.
    fn stands(&mut self, slot: usize) {
        self.look_at_clock();
        self.record.totals.opened += 1;
        let connection = &mut self.connections[slot];
        note(&mut self.record.connect, self.now - connection.connect_ns);
        self.good_address = connection.address;
        connection.state = State::Idle;
        if connection.active {
            self.excuse(slot);
            self.transmit(slot);
        }
    }

    pub(crate) fn connect_failed(&mut self, slot: usize, failure: Failure) {
        self.look_at_clock();
        self.record.totals.connect_failed += 1;
        let took = self.now - self.connections[slot].connect_ns;
        note(&mut self.record.connect, took);
        if self.connections[slot].active {
            self.excuse(slot);
        }
        // The first failure to connect already backs off: there is no one to talk to.
        let connection = &mut self.connections[slot];
        connection.failures = connection.failures.max(1);
        self.fail(slot, failure.kind, || failure.text);
    }
}
