"""What one client may take of the server."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one connection; a client that breaks one is answered, if it can be, and left.

    Attributes:
        idle_s: silence between two requests, or before the first.
        request_s: from a request's first byte to the end of its head and body.
        send_s: for answers that wait to be taken by the client's side.
        target_bytes: path and query of a request.
        head_bytes: request target and header fields together.
        body_bytes: a value.
        framing_bytes: what chunked framing and trailers may add to a value.
        ahead: how many requests of one connection are under way at once.
        linger_s: after an answer that leaves bytes unread, so that it is not lost to a reset.
    """

    idle_s: float = 60.0
    request_s: float = 10.0
    send_s: float = 10.0
    target_bytes: int = 4 * 1024
    head_bytes: int = 16 * 1024
    body_bytes: int = 1024 * 1024
    framing_bytes: int = 4 * 1024 * 1024
    ahead: int = 16
    linger_s: float = 0.5
