"""No way leads out of the root of the file server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncline_cases.httpd.files import Root
from syncline_cases.httpd.paths import segments
from syncline_cases.httpd.refusal import Refusal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    (folder / "sub" / "deep").mkdir(parents=True)
    (folder / "index.html").write_bytes(b"home")
    (folder / "sub" / "index.html").write_bytes(b"sub home")
    (folder / "sub" / "a b.txt").write_bytes(b"spaced")
    (folder / "..odd").write_bytes(b"odd")
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "root-beside").mkdir()
    (tmp_path / "root-beside" / "secret").write_bytes(b"secret")
    return folder


@pytest.fixture
def root(folder: Path) -> Iterator[Root]:
    root = Root(str(folder))
    yield root
    root.close()


def served(root: Root, target: bytes) -> bytes:
    file = root.open(segments(target))
    try:
        return os.read(file.descriptor, file.size)
    finally:
        os.close(file.descriptor)


def refused(root: Root, target: bytes) -> int:
    with pytest.raises(Refusal) as refusal:
        served(root, target)
    return refusal.value.status


@pytest.mark.parametrize(
    ("target", "content"),
    [
        (b"/", b"home"),
        (b"/index.html", b"home"),
        (b"/?query=/../x", b"home"),
        (b"//index.html", b"home"),
        (b"/./sub/.././index.html", b"home"),
        (b"/sub", b"sub home"),
        (b"/sub/", b"sub home"),
        (b"/sub/.", b"sub home"),
        (b"/sub/deep/..", b"sub home"),
        (b"/sub/a%20b.txt", b"spaced"),
        (b"/s%75b/%61%20b.txt", b"spaced"),
        (b"/..odd", b"odd"),
        (b"http://example.com/sub/", b"sub home"),
        (b"HTTP://example.com:80", b"home"),
    ],
)
def test_a_path_below_the_root_is_served(root: Root, target: bytes, content: bytes) -> None:
    assert served(root, target) == content


@pytest.mark.parametrize(
    "target",
    [
        b"/..",
        b"/../secret",
        b"/sub/../../secret",
        b"/./../secret",
        b"//../secret",
        b"/%2e%2e/secret",
        b"/%2E%2e%2Fsecret",
        b"/..%2fsecret",
        b"/sub%2f..%2f..%2fsecret",
        b"/../root/index.html",
        b"/../root-beside/secret",
        b"http://example.com/../secret",
    ],
)
def test_climbing_above_the_root_is_forbidden(root: Root, target: bytes) -> None:
    assert refused(root, target) == 403


@pytest.mark.parametrize(
    "target",
    [
        b"/index.html%00.txt",
        b"/%00",
        b"/..\\secret",
        b"/..%5csecret",
        b"/%",
        b"/%2",
        b"/%zz",
        b"/a#b",
        b"index.html",
        b"*",
        b"file:///etc/passwd",
        b"http://",
    ],
)
def test_what_is_no_path_is_a_bad_request(root: Root, target: bytes) -> None:
    assert refused(root, target) == 400


@pytest.mark.parametrize(
    "target",
    [
        b"/missing",
        b"/index.html/",
        b"/index.html/more",
        b"/sub/deep/",
        b"/%252e%252e/secret",
        b"/%c0%ae%c0%ae/secret",
        b"/%ff",
        b"/.../secret",
        b"//etc/passwd",
        b"/%2fetc%2fpasswd",
        b"/etc/passwd",
        b"/" + b"a" * 300,
        b"/" + b"a/" * 2000,
    ],
)
def test_what_is_not_there_is_not_found(root: Root, target: bytes) -> None:
    assert refused(root, target) == 404


def test_a_link_out_of_the_root_is_forbidden_wherever_it_stands(
    folder: Path, root: Root, tmp_path: Path
) -> None:
    (folder / "file").symlink_to(tmp_path / "secret")
    (folder / "relative").symlink_to("../secret")
    (folder / "up").symlink_to(tmp_path, target_is_directory=True)
    (folder / "beside").symlink_to(tmp_path / "root-beside", target_is_directory=True)
    (folder / "linked-index").mkdir()
    (folder / "linked-index" / "index.html").symlink_to(tmp_path / "secret")
    (folder / "chain").symlink_to("file")
    (folder / "loop").symlink_to("loop")
    for target in (
        b"/file",
        b"/relative",
        b"/up/secret",
        b"/up",
        b"/beside/secret",
        b"/linked-index",
        b"/linked-index/",
        b"/chain",
        b"/loop",
    ):
        assert refused(root, target) == 403, target


def test_a_link_that_stays_below_the_root_is_followed(folder: Path, root: Root) -> None:
    (folder / "file").symlink_to("sub/a b.txt")
    (folder / "folder").symlink_to("sub", target_is_directory=True)
    (folder / "deep-index").mkdir()
    (folder / "deep-index" / "index.html").symlink_to("../sub/index.html")
    (folder / "dangling").symlink_to("nowhere")
    assert served(root, b"/file") == b"spaced"
    assert served(root, b"/folder/a%20b.txt") == b"spaced"
    assert served(root, b"/folder") == served(root, b"/folder/") == b"sub home"
    assert served(root, b"/deep-index") == b"sub home"
    assert refused(root, b"/dangling") == 404


def test_what_is_no_regular_file_is_forbidden_and_holds_nobody(folder: Path, root: Root) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "pipe-index").mkdir()
    os.mkfifo(folder / "pipe-index" / "index.html")
    assert refused(root, b"/pipe") == 403
    assert refused(root, b"/pipe-index") == 403


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_no_descriptor_is_left_open(folder: Path, root: Root) -> None:
    (folder / "out").symlink_to("..")
    before = open_descriptors()
    for target in (b"/sub/deep/../a%20b.txt", b"/sub/", b"/sub"):
        served(root, target)
    for target in (b"/sub/deep/", b"/sub/deep/x/y", b"/out/secret", b"/sub/a%20b.txt/"):
        refused(root, target)
    assert open_descriptors() == before
