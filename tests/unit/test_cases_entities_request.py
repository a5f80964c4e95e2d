"""What the key-value server reads out of bytes, however they are split."""

from __future__ import annotations

import pytest

from syncline_cases.entities import answers
from syncline_cases.entities.answers import Kind, Refusal
from syncline_cases.entities.limits import Limits
from syncline_cases.entities.reader import Asked, Reader
from syncline_cases.entities.request import KEY_BYTES, key_of

LIMITS = Limits(target_bytes=100, head_bytes=300, body_bytes=20, framing_bytes=60)


@pytest.mark.parametrize(
    ("target", "key"),
    [
        pytest.param(b"/v0/entity?id=aZ9", b"aZ9", id="plain"),
        pytest.param(b"/v0/entity?id=%00%ff%2F", b"\x00\xff/", id="any-bytes"),
        pytest.param(b"/v0/entity?id=a+b", b"a+b", id="plus-is-itself"),
        pytest.param(b"/v0/entity?id=a%2Bb%26", b"a+b&", id="escaped-special"),
        pytest.param(b"/v0/entity?x=1&id=k&y", b"k", id="other-fields"),
        pytest.param(b"/v0/entity?id=a=b", b"a=b", id="equals"),
        pytest.param(b"http://host:1/v0/entity?id=k", b"k", id="absolute-form"),
        pytest.param(b"/v0/entity?id=k#id=l", b"k", id="fragment"),
        pytest.param(b"/v0/entity?id=" + b"k" * KEY_BYTES, b"k" * KEY_BYTES, id="longest"),
    ],
)
def test_a_key_is_the_decoded_id(target: bytes, key: bytes) -> None:
    assert key_of(b"GET", target) == key


@pytest.mark.parametrize(
    ("method", "target", "kind"),
    [
        pytest.param(b"GET", b"/v0/entity", answers.BAD_ID, id="no-query"),
        pytest.param(b"GET", b"/v0/entity?", answers.BAD_ID, id="empty-query"),
        pytest.param(b"GET", b"/v0/entity?id", answers.BAD_ID, id="no-value"),
        pytest.param(b"PUT", b"/v0/entity?id=", answers.BAD_ID, id="empty"),
        pytest.param(b"PUT", b"/v0/entity?key=1", answers.BAD_ID, id="other-name"),
        pytest.param(b"PUT", b"/v0/entity?id=1&id=2", answers.BAD_ID, id="twice"),
        pytest.param(b"PUT", b"/v0/entity?id=%4", answers.BAD_ID, id="cut-escape"),
        pytest.param(b"PUT", b"/v0/entity?id=%zz", answers.BAD_ID, id="bad-escape"),
        pytest.param(b"PUT", b"/v0/entity?id=" + b"k" * 512, answers.BAD_ID, id="too-long"),
        pytest.param(b"POST", b"/v0/entity?id=k", answers.METHOD_NOT_ALLOWED, id="post"),
        pytest.param(b"HEAD", b"/v0/entity", answers.METHOD_NOT_ALLOWED, id="head"),
        pytest.param(b"GET", b"/", answers.NOT_FOUND, id="root"),
        pytest.param(b"GET", b"/v0/entity/?id=k", answers.NOT_FOUND, id="slash"),
        pytest.param(b"GET", b"/v0/entityid=k", answers.NOT_FOUND, id="no-question-mark"),
        pytest.param(b"POST", b"/v1/entity?id=k", answers.NOT_FOUND, id="path-before-method"),
        pytest.param(b"GET", b"*", answers.NOT_FOUND, id="asterisk"),
    ],
)
def test_what_names_no_entity_is_refused(method: bytes, target: bytes, kind: Kind) -> None:
    with pytest.raises(Refusal) as refusal:
        key_of(method, target)
    assert refusal.value.kind is kind


STREAM = (
    b"PUT /v0/entity?id=a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\none"
    b"GET /v0/entity?id=a HTTP/1.1\r\nHost: h\r\n\r\n"
    b"PUT /v0/entity?id=b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2\r\ntw\r\n1;x=y\r\no\r\n0\r\nTrailer: t\r\n\r\n"
    b"DELETE /v0/entity?id=a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    b"HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    b"GET /v0/entity?id=late HTTP/1.1\r\nHost: h\r\n\r\n"
)
ASKED = [
    (b"PUT", b"a", b"one"),
    (b"GET", b"a", b""),
    (b"PUT", b"b", b"two"),
    Asked((b"DELETE", b"a", b""), b"keep-alive"),
    Asked(answers.NOT_FOUND, b"close", head_only=True),
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, len(STREAM)])
def test_requests_are_the_same_in_every_split(size: int) -> None:
    reader = Reader(LIMITS)
    for start in range(0, len(STREAM), size):
        reader.feed(STREAM[start : start + size])
    assert list(reader.asked) == ASKED
    assert reader.ended
    assert not reader.inside


HEAD = b"PUT /v0/entity?id=a HTTP/1.1\r\nHost: h\r\n"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        pytest.param(b"\x16\x03\x01\x02", answers.BAD_REQUEST, id="tls"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", answers.NO_HOST, id="no-host"),
        pytest.param(HEAD + b"Host: h\r\n\r\n", answers.NO_HOST, id="two-hosts"),
        pytest.param(HEAD + b"A : b\r\n\r\n", answers.BAD_REQUEST, id="space-before-colon"),
        pytest.param(HEAD + b"A: b\r\n c\r\n\r\n", answers.BAD_REQUEST, id="folded"),
        pytest.param(
            HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            answers.BAD_REQUEST,
            id="both-lengths",
        ),
        pytest.param(
            HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\n",
            answers.BAD_REQUEST,
            id="two-lengths",
        ),
        pytest.param(HEAD + b"Content-Length: -1\r\n\r\n", answers.BAD_REQUEST, id="negative"),
        pytest.param(HEAD + b"Content-Length: 1_0\r\n\r\n", answers.BAD_REQUEST, id="underscore"),
        pytest.param(HEAD + b"Content-Length: 21\r\n\r\n", answers.TOO_LARGE, id="too-large"),
        pytest.param(
            HEAD + b"Content-Length: 999999999999999999\r\n\r\n", answers.TOO_LARGE, id="18"
        ),
        pytest.param(
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n15\r\n" + b"x" * 21,
            answers.TOO_LARGE,
            id="too-large-chunked",
        ),
        pytest.param(
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nT: " + b"x" * 500,
            answers.TOO_LARGE,
            id="endless-trailer",
        ),
        pytest.param(
            HEAD + b"Transfer-Encoding: gzip\r\n\r\n", answers.BAD_REQUEST, id="unknown-coding"
        ),
        pytest.param(HEAD + b"Expect: more\r\n\r\n", answers.EXPECTATION_FAILED, id="expectation"),
        pytest.param(HEAD + b"A: " + b"x" * 300, answers.HEAD_TOO_LARGE, id="endless-field"),
        pytest.param(HEAD + b"A: b\r\n" * 60 + b"\r\n", answers.HEAD_TOO_LARGE, id="many-fields"),
        pytest.param(b"GET /" + b"x" * 100, answers.TARGET_TOO_LONG, id="endless-target"),
        pytest.param(
            b"GET / HTTP/2.0\r\nHost: h\r\n\r\n", answers.OLD_VERSION, id="another-version"
        ),
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_what_is_wrong_or_too_much_is_refused_and_ends_the_connection(
    data: bytes, kind: Kind, size: int
) -> None:
    reader = Reader(LIMITS)
    for start in range(0, len(data), size):
        reader.feed(data[start : start + size])
    reader.feed(STREAM)
    assert list(reader.asked) == [Asked(kind, b"close")]
    assert reader.ended
    assert not reader.inside


def test_requests_before_a_bad_one_are_kept() -> None:
    reader = Reader(LIMITS)
    reader.feed(b"GET /v0/entity?id=a HTTP/1.1\r\nHost: h\r\n\r\nrubbish\r\n\r\n")
    assert list(reader.asked) == [(b"GET", b"a", b""), Asked(answers.BAD_REQUEST, b"close")]


def test_an_upgrade_is_answered_as_if_it_had_not_been_asked_for() -> None:
    reader = Reader(LIMITS)
    reader.feed(
        b"GET /v0/entity?id=a HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"
    )
    assert list(reader.asked) == [Asked((b"GET", b"a", b""), b"close")]


def test_continue_is_wanted_until_the_body_begins() -> None:
    reader = Reader(LIMITS)
    reader.feed(HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert reader.wants_continue
    reader.feed(b"o")
    assert not reader.wants_continue
