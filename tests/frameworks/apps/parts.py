"""What the apps share: the statements of their faults."""

from __future__ import annotations

import hashlib

ORDERS = "SELECT customer_id FROM orders WHERE id <= 20"
CUSTOMER = "SELECT name FROM customers WHERE id = "
SLOW = "SELECT pg_sleep(0.02)"


def digest() -> str:
    """A signature that takes a processor for some 50 ms."""
    return hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", 200_000).hex()
