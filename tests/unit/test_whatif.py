"""What can be imposed on a service, on which, and when a trial is none of its what-ifs."""

from __future__ import annotations

import json

import pytest

from syncline.codec import from_json, identity, to_json
from syncline.errors import UsageError
from syncline.outcome import Observation
from syncline.trial import Variant
from syncline.whatif import (
    CATALOGUE,
    asked_of,
    backend_settings,
    base_name,
    environment,
    imposed,
    not_imposed,
    parse,
)
from syncline_probe import impose

SYNC = Variant("sync", "def", app="m:app")


def test_every_example_of_the_catalogue_is_allowed() -> None:
    for one in CATALOGUE.values():
        assert parse(f"{one.name}={one.example}") == {one.name: one.example}


def test_settings_are_read_in_one_order_and_one_spelling() -> None:
    assert parse(" tokens = 0100 ,pool-size=50,Echo=No") == {
        "pool_size": "50",
        "tokens": "100",
        "echo": "off",
    }
    assert list(parse("tokens=1,pool_size=1")) == ["pool_size", "tokens"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("pool_size", "'pool_size' is no what-if; write NAME=VALUE"),
        ("=5", "is no what-if"),
        ("size=5", "There is no what-if 'size'; there are: pool_size, "),
        ("pool_size=0", "The what-if pool_size cannot be '0'; it is a whole number from 1"),
        ("pool_size=-1", "cannot be '-1'"),
        ("pool_size=5.0", "cannot be '5.0'"),
        ("pool_size=٣", "cannot be"),
        ("pool_timeout=nan", "cannot be 'nan'; it is seconds, above 0"),
        ("pool_timeout=inf", "cannot be 'inf'"),
        ("echo=maybe", "it is on or off"),
        ("loop=trio", "it is auto, asyncio or uvloop"),
        ("workers=257", "from 1 to 256"),
        ("gc_threshold=0", "off or freeze"),
        ("tokens=1,tokens=2", "given twice in 'tokens=1,tokens=2'"),
    ],
)
def test_what_is_no_what_if_is_refused_in_a_sentence(text: str, says: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(text)
    assert says in str(error.value)


def test_a_variant_is_named_after_what_is_imposed_on_it() -> None:
    variant = imposed(SYNC, {"tokens": "100", "pool_size": "50"})
    assert variant.name == "sync+pool_size=50,tokens=100"
    assert variant.title == "def, what if pool_size=50,tokens=100"
    assert base_name(variant) == "sync"
    assert variant.what_ifs == {"pool_size": "50", "tokens": "100"}


def test_what_is_imposed_on_a_what_if_is_added_and_the_later_counts() -> None:
    twice = imposed(imposed(SYNC, parse("tokens=100,pool_size=5")), parse("echo=off,pool_size=7"))
    assert twice == imposed(SYNC, parse("pool_size=7,tokens=100,echo=off"))
    assert base_name(twice) == "sync"


def test_a_variant_survives_json_and_without_what_ifs_is_what_it_was() -> None:
    variant = imposed(SYNC, parse("pool_size=50,tokens=100"))
    again = from_json(Variant, json.loads(json.dumps(to_json(variant), sort_keys=True)))
    assert again == variant
    assert identity(variant) != identity(SYNC)
    assert base_name(again) == "sync"
    assert "what_ifs" not in to_json(SYNC)
    assert imposed(SYNC, {}) is SYNC


def test_each_means_gets_its_own_part() -> None:
    variant = imposed(SYNC, parse("pool_size=50,server=granian,workers=3,max_connections=300"))
    assert asked_of(variant, "probe") == {"pool_size": "50"}
    assert (variant.server, variant.workers) == ("granian", 3)
    assert backend_settings(variant, "postgres") == {"max_connections": "300"}
    assert backend_settings(variant, "valkey") == {}
    name, text = next(iter(environment(variant).items()))
    assert name == impose.ENVIRONMENT
    assert json.loads(text) == {"pool_size": "50"}
    assert environment(imposed(SYNC, parse("workers=2"))) == {}


@pytest.mark.parametrize(
    ("variant", "text", "says"),
    [
        (Variant("x", command=("{python}", "-m", "x")), "workers=2", "a server of its own"),
        (Variant("x", command=("/bin/x",)), "pool_size=2", "does not start Python"),
        (Variant("x", url="http://127.0.0.1:1"), "pool_size=2", "runs already"),
        (Variant("x", app="m:a", server_args=("--http", "h11")), "server=granian", "--http h11"),
        (SYNC, "server=waitress", "its application is ASGI"),
        (SYNC, "server=granian,keep_alive=5", "granian has no such time"),
        (SYNC, "server=hypercorn,keep_alive=off", "hypercorn cannot switch it off"),
        (SYNC, "server=gunicorn,keep_alive=off", "gunicorn's ASGI workers cannot"),
    ],
)
def test_what_cannot_be_imposed_on_a_variant_is_refused(
    variant: Variant, text: str, says: str
) -> None:
    with pytest.raises(UsageError) as error:
        imposed(variant, parse(text))
    assert says in str(error.value)
    assert repr(variant.name) in str(error.value)


def told(name: str, imposed: bool | None, why: str = "") -> Observation:
    return Observation("probe", "what-if", "", data={"name": name, "imposed": imposed, "why": why})


def test_a_trial_counts_if_each_setting_took_in_a_process_and_was_refused_in_none() -> None:
    variant = imposed(SYNC, parse("pool_size=50,tokens=9,workers=2"))
    both = (told("pool_size", True), told("tokens", True))
    assert not_imposed(variant, both) == ()
    assert not_imposed(variant, (*both, told("tokens", None, "nothing asked for a thread"))) == ()
    assert not_imposed(SYNC, ()) == ()


def test_a_trial_in_which_a_setting_did_not_take_says_which_and_why() -> None:
    variant = imposed(SYNC, parse("pool_size=50"))
    reason = "the what-if pool_size=50 was not imposed: "
    refused = told("pool_size", False, "it is a NullPool")
    assert not_imposed(variant, (told("pool_size", True), refused)) == (
        reason + "it is a NullPool",
    )
    assert not_imposed(variant, (told("pool_size", None, "no pool was made"),)) == (
        reason + "no pool was made",
    )
    note = Observation("probe", "note", "The probe was not asked for (--no-probe).")
    assert not_imposed(variant, (note,)) == (reason + "The probe was not asked for (--no-probe)",)
    assert not_imposed(variant, ()) == (reason + "the probe did not say that it was",)
