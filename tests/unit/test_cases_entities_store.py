"""The stores do the same, the data are the same each time, the options fit together."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncline.plan import OpenLoop
from syncline_cases.entities.case import CASE
from syncline_cases.entities.options import parse
from syncline_cases.entities.prepare import ALL_KEYS, entities, fill, wanted
from syncline_cases.entities.store import STORES, StoreName, open_store

EITHER = pytest.mark.parametrize("name", STORES)


@EITHER
@pytest.mark.parametrize("sync", [False, True])
def test_a_store_keeps_bytes_over_closing(name: StoreName, sync: bool, tmp_path: Path) -> None:
    store = open_store(name, tmp_path / "store", sync=sync)
    store.put(b"\x00key", b"\xff" * 300)
    store.put(b"gone", b"1")
    store.put(b"empty", b"")
    store.delete(b"gone")
    store.delete(b"never there")
    store.write([(b"a", b"1"), (b"b", b"2"), (b"a", None), (b"long" * 127, b"3")])
    store.close()
    again = open_store(name, tmp_path / "store", sync=sync)
    assert again.get(b"\x00key") == b"\xff" * 300
    assert [again.get(key) for key in (b"gone", b"empty", b"a", b"b")] == [None, b"", None, b"2"]
    assert again.get(b"long" * 127) == b"3"
    again.close()


@EITHER
def test_a_store_is_filled_with_so_many_entities(name: StoreName, tmp_path: Path) -> None:
    fill(tmp_path, name, 1000)
    store = open_store(name, tmp_path)
    wanted_entities = dict(entities(1001))
    found = {key: value for key in wanted_entities if (value := store.get(key)) is not None}
    store.close()
    extra = next(reversed(wanted_entities))
    assert found == {key: value for key, value in wanted_entities.items() if key != extra}


def test_all_keys_of_three_characters_and_about_100_mb_with_their_overhead() -> None:
    count = size = 0
    keys = set()
    for key, value in entities(ALL_KEYS):
        count += 1
        size += len(key) + len(value)
        keys.add(key)
        assert len(key) == 3
        assert len(value) == 300
    assert count == len(keys) == 62**3
    assert 70e6 < size < 100e6


def test_the_data_are_the_same_each_time_and_another_seed_gives_others() -> None:
    assert list(entities(50)) == list(entities(50))
    assert list(entities(50)) != list(entities(50, seed=2))
    assert list(entities(50)) == list(entities(60))[:50]


def test_how_many_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SYNCLINE_ENTITIES", raising=False)
    assert wanted() == ALL_KEYS
    monkeypatch.setenv("SYNCLINE_ENTITIES", "70")
    assert wanted() == 70
    monkeypatch.setenv("SYNCLINE_ENTITIES", "999999999")
    assert wanted() == ALL_KEYS


@pytest.mark.parametrize("variant", CASE.variants, ids=lambda variant: variant.name)
def test_the_commands_of_the_case_are_understood(variant: object, tmp_path: Path) -> None:
    command = getattr(variant, "command", ())
    assert command[:3] == ("{python}", "-m", "syncline_cases.entities.seeded")
    filled = [item.replace("{port}", "80").replace("{host}", "::1") for item in command[3:]]
    options = parse(filled, tmp_path)
    assert (options.port, options.host, options.data) == (80, "::1", tmp_path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["80"], "--data"),
        (["--data", "x", "--durability", "group-commit", "80"], "--threads 1"),
        (["--data", "x", "--queue", "0", "80"], "1 to 1000000"),
        (["--data", "x", "--store", "other", "80"], "rocksdb"),
    ],
)
def test_wrong_options_are_told_in_words(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(arguments)
    assert said in capsys.readouterr().err


def test_the_loads_are_of_constant_rate_and_named_by_it() -> None:
    for load in (*CASE.loads, *CASE.quick_loads, *CASE.published_loads):
        assert isinstance(load.schedule, OpenLoop)
        (phase,) = load.schedule.phases
        assert phase.from_rps == phase.to_rps == int(load.name.split("-")[1][:-1]) * 1000
        assert load.connections == 64
