"""What one client may take of the server."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one connection; a client that breaks one is answered, if it can be, and left.

    Attributes:
        idle_s: silence between two requests, or before the first.
        request_s: from a request's first byte to the end of its head and body.
        send_s: for each window of a response to be taken by the client's side.
        send_window_bytes: the size of such a window.
        head_bytes: request line and header together.
        line_bytes: the request line alone.
        header_count: the number of header fields.
        body_bytes: a request's body; it is read and thrown away.
        linger_s: after a response that leaves bytes unread, so that it is not lost to a reset.
    """

    idle_s: float = 5.0
    request_s: float = 5.0
    send_s: float = 10.0
    send_window_bytes: int = 256 * 1024
    head_bytes: int = 16 * 1024
    line_bytes: int = 8 * 1024
    header_count: int = 100
    body_bytes: int = 64 * 1024
    linger_s: float = 0.5
