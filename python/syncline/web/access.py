"""Who may ask: the token, the Host and the Origin of every request, before any route sees it."""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syncline.report.html.element import el

# What a response without markup of ours may do; pages bring a policy of their own.
_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'"
_DEFAULT_PORT = {"http": 80, "https": 443}
_READING = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Access:
    """Where the page is, and what one must know to see it.

    Attributes:
        host: a name or an address without brackets, as browsers are to write it.
        token: at least 16 characters that mean nothing in a URL.
        secure: whether it speaks TLS.
    """

    host: str
    port: int
    token: str = field(repr=False)
    secure: bool = False

    @property
    def scheme(self) -> str:
        """``http`` or ``https``."""
        return "https" if self.secure else "http"

    @property
    def address(self) -> str:
        """Where the page is, without the token."""
        return f"{self.scheme}://{_bracketed(self.host)}:{self.port}/"

    @property
    def cookie(self) -> str:
        """The cookie's name; cookies do not know ports, so that two pages need two names."""
        return f"syncline-{self.port}"

    @property
    def hosts(self) -> frozenset[str]:
        """Every Host header that means this page: a name that an attacker's DNS gave us is none."""
        names = {self.host.lower()}
        if is_loopback(self.host):
            names |= {"localhost", "127.0.0.1", "::1"}
        ports = {f":{self.port}", *({""} if self.port == _DEFAULT_PORT[self.scheme] else ())}
        return frozenset(f"{_bracketed(name)}{port}" for name in names for port in ports)

    def is_token(self, given: str | None) -> bool:
        """Whether that is the token; takes as long wherever they differ."""
        return given is not None and hmac.compare_digest(given.encode(), self.token.encode())


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that name or address."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """Refuses what is not from the page itself, and gives every response its headers."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; nothing but HTTP is spoken."""
        if scope["type"] != "http":
            raise RuntimeError(f"{scope['type']} is not spoken here")

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _protect(MutableHeaders(scope=message))
            await send(message)

        answer = self._answer(Request(scope)) or self._app
        await answer(scope, receive, with_headers)

    def _answer(self, request: Request) -> Response | None:
        """What is to be said instead of the route's answer; None if the route may answer."""
        if (refusal := self._misled(request)) is not None:
            return _refuse(refusal)
        if request.method == "GET" and request.url.path == "/" and "token" in request.query_params:
            if self._access.is_token(request.query_params["token"]):
                return self._welcome()
            return _refuse("This token is not, or no longer, the page's.")
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        known = self._access.is_token(request.cookies.get(self._access.cookie)) or (
            kind.lower() == "bearer" and self._access.is_token(given)
        )
        return None if known else _refuse("Open the address that 'syncline ui' printed.")

    def _misled(self, request: Request) -> str | None:
        """Why the request is not from our own page: a browser may be made to send it."""
        hosts = [host.lower() for host in request.headers.getlist("host")]
        if len(hosts) != 1 or hosts[0] not in self._access.hosts:
            return "This is not the host that the page is on."
        origins = request.headers.getlist("origin")
        own = f"{self._access.scheme}://{hosts[0]}"
        if any(_normal(origin) != _normal(own) for origin in origins):
            return "The request comes from another page."
        if request.method not in _READING:
            if not origins:
                return "The request does not say which page it comes from."
            if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
                return "The request comes from another page."
        return None

    def _welcome(self) -> Response:
        """Keeps the token as a cookie and leads on.

        A page that leads on and not a redirect: after a redirect the browser would still take the
        visit as begun by whoever held the link, and would not send a strict cookie.
        """
        page = el(
            "html",
            el(
                "head",
                el("meta", http_equiv="refresh", content="0;url=/"),
                el("title", "Syncline"),
            ),
            el("body", el("a", "To the runs", href="/")),
            lang="en",
        )
        response = HTMLResponse(f"<!doctype html>\n{page.text}\n")
        response.headers["referrer-policy"] = "no-referrer"  # this page's address has the token
        response.set_cookie(
            self._access.cookie,
            self._access.token,
            httponly=True,
            samesite="strict",
            secure=self._access.secure,
        )
        return response


def _refuse(reason: str) -> Response:
    return PlainTextResponse(f"{reason}\n", HTTPStatus.FORBIDDEN)


def _protect(headers: MutableHeaders) -> None:
    policy = headers.get("content-security-policy", _NOTHING)
    headers["content-security-policy"] = f"{policy}; frame-ancestors 'none'"
    headers["x-content-type-options"] = "nosniff"
    headers["x-frame-options"] = "DENY"
    # Not 'no-referrer': with it browsers hide the Origin of forms, which is checked here.
    headers.setdefault("referrer-policy", "same-origin")
    headers["cross-origin-opener-policy"] = "same-origin"
    headers["cross-origin-resource-policy"] = "same-origin"
    headers["cache-control"] = "no-store"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _normal(origin: str) -> tuple[str, str, int | None] | None:
    """Scheme, host and port; a default port may be written or not."""
    try:
        parts = urlsplit(origin)
        port = parts.port or _DEFAULT_PORT.get(parts.scheme)
    except ValueError:
        return None
    if parts.path or parts.query or parts.username is not None:
        return None
    return parts.scheme, parts.hostname or "", port
