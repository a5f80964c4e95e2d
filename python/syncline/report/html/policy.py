"""The page's content security policy: nothing is loaded, and only what we wrote is run."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable


def source_hash(text: str) -> str:
    """The source expression that allows exactly this inline text (CSP 3, section 2.3.1)."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def policy(scripts: Iterable[str], styles: Iterable[str], *, served: bool = False) -> str:
    """The policy of a page with these inline scripts and styles and no others.

    Args:
        served: whether it comes from a server of ours, which it may then ask and send forms to.

    Trusted types refuse every way of making markup from a string, in our scripts and in those of
    others that we carry.
    """
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {' '.join(map(source_hash, scripts))}",
            f"style-src {' '.join(map(source_hash, styles))}",
            "img-src data:",
            "base-uri 'none'",
            *(("connect-src 'self'", "form-action 'self'") if served else ("form-action 'none'",)),
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )
