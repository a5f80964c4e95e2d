"""What the apps share: the statements of their faults."""

from __future__ import annotations

import hashlib
import time

ORDERS = "SELECT customer_id FROM orders WHERE id <= 20"
CUSTOMER = "SELECT name FROM customers WHERE id = "
SLOW = "SELECT pg_sleep(0.02)"


def digest() -> str:
    """A signature that takes a processor 150 ms, be it fast or slow."""
    until, key = time.thread_time() + 0.15, b"secret"
    while time.thread_time() < until:
        key = hashlib.pbkdf2_hmac("sha256", key, b"salt", 5_000)
    return key.hex()
