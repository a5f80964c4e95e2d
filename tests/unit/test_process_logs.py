from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from syncline.process import child
from syncline.process.logs import read_log, tail_of


@pytest.fixture(scope="module")
def guard() -> ModuleType:
    place = Path(child.__file__).with_name("guard.py")
    spec = importlib.util.spec_from_file_location("guard_script", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("step", [1, 3, 7, 100])
def test_a_short_output_is_kept_whole(guard: ModuleType, tmp_path: Path, step: int) -> None:
    log = guard.Log(str(tmp_path / "log"), 10, 20)
    text = b"0123456789abcdefghijklmnopqrst"
    for at in range(0, len(text), step):
        log.write(text[at : at + step])
    assert read_log(tmp_path / "log") == text.decode()


@pytest.mark.parametrize("step", [1, 3, 7, 23, 1000])
def test_a_long_output_keeps_its_beginning_and_its_end(
    guard: ModuleType, tmp_path: Path, step: int
) -> None:
    log = guard.Log(str(tmp_path / "log"), 10, 20)
    text = "".join(chr(ord("a") + i % 26) for i in range(997)).encode()
    for at in range(0, len(text), step):
        log.write(text[at : at + step])
    kept = read_log(tmp_path / "log")
    assert kept.startswith(text[:10].decode() + "\n[967 bytes of output left out here]\n")
    assert kept.endswith("]\n" + text[-20:].decode())
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 10 + 8 + 20


def test_bytes_that_are_no_text_can_be_read(guard: ModuleType, tmp_path: Path) -> None:
    guard.Log(str(tmp_path / "log"), 10, 20).write(b"a\xffb")
    assert read_log(tmp_path / "log") == "a\ufffdb"


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read_log(tmp_path / "log") == ""


def test_the_tail_is_the_last_lines() -> None:
    assert tail_of("a\nb\nc\n", 2) == "b\nc"
    assert tail_of("a\nb\nc\n", 0) == ""
    assert tail_of("", 5) == ""
