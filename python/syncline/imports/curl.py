"""curl command lines, as people write them and as browsers copy them."""

from __future__ import annotations

import base64
import codecs
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from syncline.errors import UsageError
from syncline.imports.recorded import Headers, Imported, checked_method, host_and_path, named
from syncline.plan import Request

Reader = Callable[[str], bytes]

# Options that say how curl talks or what it prints, not what it sends.
_PLAIN = frozenset(
    [
        "-s",
        "--silent",
        "-S",
        "--show-error",
        "-v",
        "--verbose",
        "-i",
        "--include",
        "-k",
        "--insecure",
        "-L",
        "--location",
        "-f",
        "--fail",
        "-g",
        "--globoff",
        "-N",
        "--no-buffer",
        "-#",
        "--progress-bar",
        "--http1.1",
        "--http2",
        "--fail-with-body",
    ]
)
_WITH_VALUE = frozenset(
    [
        "-o",
        "--output",
        "-w",
        "--write-out",
        "-m",
        "--max-time",
        "--connect-timeout",
        "--retry",
        "--cacert",
        "--cert",
        "-E",
        "--key",
        "-x",
        "--proxy",
        "--resolve",
        "-c",
        "--cookie-jar",
        "--max-redirs",
    ]
)
_LETTERS = {  # which single letters take a value, glued or as the next word
    *("X", "H", "d", "u", "b", "A", "e", "o", "w", "m", "E", "x", "c", "F", "T"),
}
_DATA = ("-d", "--data", "--data-ascii", "--data-raw", "--data-binary", "--data-urlencode")
# Bash's $'…', which browsers write where a text holds quotes or line ends.
_ANSI = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.DOTALL)
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


@dataclass
class _Command:
    url: str | None = None
    method: str | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    data: list[bytes] = field(default_factory=list)
    kind: str | None = None
    as_query: bool = False
    head: bool = False


def from_curl(text: str, read: Reader, *, keep_credentials: bool = False) -> Imported:
    """One request for each curl command of a text.

    Args:
        read: the bytes of a file that ``-d @FILE`` names.

    Raises:
        UsageError: no command, or an option that cannot be imported; the message names it.
    """
    commands = [_parse(words, read) for words in _commands(text)]
    if not commands:
        raise UsageError("There is no curl command; each must begin with the word curl.")
    headers = Headers(keep_credentials=keep_credentials)
    requests = tuple(_request(command, headers) for command in commands)
    return Imported(requests, headers.notes())


def _commands(text: str) -> Iterator[list[str]]:
    joined = re.sub(r"\\\r?\n", " ", text)
    plain = _ANSI.sub(lambda found: shlex.quote(_unescaped(found[1])), joined)
    try:
        words = shlex.split(plain, comments=True)
    except ValueError as error:
        raise UsageError(f"The curl command cannot be read: {error}.") from None
    command: list[str] | None = None
    for word in words:
        if word in ("curl", "curl.exe"):
            if command is not None:
                yield command
            command = []
        elif command is None:
            raise UsageError(f"{word!r}: a command must begin with the word curl.")
        elif word not in (";", "&", "&&"):
            command.append(word.removesuffix(";"))
    if command is not None:
        yield command


def _unescaped(text: str) -> str:
    return codecs.decode(text.encode("latin-1", "backslashreplace"), "unicode_escape")


def _parse(words: list[str], read: Reader) -> _Command:
    command = _Command()
    rest = iter([part for word in words for part in _parts(word)])
    for word in rest:
        if not word.startswith("-") or word == "-":
            _set_url(command, word)
        elif word in ("-G", "--get"):
            command.as_query = True
        elif word in ("-I", "--head"):
            command.head = True
        elif word == "--compressed":
            command.headers.append(("Accept-Encoding", "gzip, deflate"))
        elif word not in _PLAIN:
            _take(command, word, rest, read)
    if command.url is None:
        raise UsageError("A curl command names no URL.")
    return command


def _parts(word: str) -> list[str]:
    """``-XPOST`` as ``-X POST``, ``-sSL`` as its letters, ``--data=x`` as two words."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return [name, value] if equals else [word]
    if not word.startswith("-") or len(word) <= 2:
        return [word]
    for at, letter in enumerate(word[1:], 1):
        if letter in _LETTERS:
            before = [f"-{one}" for one in word[1:at]]
            value = word[at + 1 :]
            return [*before, f"-{letter}", *([value] if value else [])]
    return [f"-{one}" for one in word[1:]]


def _set_url(command: _Command, url: str) -> None:
    if command.url is not None:
        raise UsageError(f"curl {url!r}: a command with two URLs; write a command for each.")
    command.url = url


def _take(command: _Command, option: str, rest: Iterator[str], read: Reader) -> None:
    known = {
        *("-X", "--request", "-H", "--header", "--json", "--url", "-u", "--user"),
        *("-b", "--cookie", "-A", "--user-agent", "-e", "--referer"),
        *_DATA,
        *_WITH_VALUE,
    }
    if option not in known:
        raise UsageError(f"curl {option}: this option cannot be imported; leave it out.")
    value = next(rest, None)
    if value is None:
        raise UsageError(f"curl {option}: its value is missing.")
    if option in _DATA:
        command.data.append(_data(option, value, read))
        command.kind = command.kind or "application/x-www-form-urlencoded"
    elif option == "--json":
        command.data.append(_data("--data-binary", value, read))
        command.kind = "application/json"
    elif option in ("-X", "--request"):
        command.method = value
    elif option == "--url":
        _set_url(command, value)
    elif option not in _WITH_VALUE:
        command.headers.append(_header(option, value))


def _header(option: str, value: str) -> tuple[str, str]:
    if option in ("-H", "--header"):
        name, colon, text = value.partition(":")
        if not colon or not name.strip():
            raise UsageError(f"curl -H {value!r}: write 'Name: value'.")
        return name.strip(), text.strip()
    if option in ("-u", "--user"):
        return "Authorization", f"Basic {base64.b64encode(value.encode()).decode('ascii')}"
    if option in ("-b", "--cookie"):
        if "=" not in value:
            raise UsageError(f"curl -b {value!r}: a file of cookies cannot be imported.")
        return "Cookie", value
    return ("User-Agent" if option in ("-A", "--user-agent") else "Referer"), value


def _data(option: str, value: str, read: Reader) -> bytes:
    if option == "--data-urlencode":
        name, equals, text = value.partition("=")
        if not equals:
            name, text = "", value
        return (f"{name}=" if name else "").encode() + _escaped(text.encode())
    if value.startswith("@") and option != "--data-raw":
        data = read(value[1:])
        return data if option == "--data-binary" else data.replace(b"\r", b"").replace(b"\n", b"")
    return value.encode()


def _escaped(data: bytes) -> bytes:
    return b"".join(
        bytes([byte]) if byte in _UNRESERVED else f"%{byte:02X}".encode() for byte in data
    )


def _request(command: _Command, headers: Headers) -> Request:
    _, path = host_and_path(_with_scheme(command.url or ""))
    joiner = b"" if command.kind == "application/json" else b"&"
    data = joiner.join(command.data) if command.data else None
    if command.as_query and data is not None:
        path += ("&" if "?" in path else "?") + data.decode()
        _, path = host_and_path(path)
        data = None
    default = "HEAD" if command.head else "GET" if data is None else "POST"
    method = checked_method(command.method or default, "curl -X")
    own = list(command.headers)
    if data is not None and command.kind and not any(k.lower() == "content-type" for k, _ in own):
        own.append(("Content-Type", command.kind))
    body, encoded = _text_or_base64(data)
    return Request(
        path,
        method,
        name=named(method, path),
        headers=headers.kept(own),
        body=body,
        body_base64=encoded,
        templates=False,
    )


def _with_scheme(url: str) -> str:
    return url if "://" in url else f"http://{url}"


def _text_or_base64(data: bytes | None) -> tuple[str | None, str | None]:
    if data is None:
        return None, None
    try:
        return data.decode(), None
    except UnicodeDecodeError:
        return None, base64.b64encode(data).decode("ascii")
