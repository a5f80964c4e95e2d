"""The cases that ship can be found, and what they say of themselves holds together."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from syncline.codec import from_json, to_json
from syncline.errors import UsageError
from syncline.trial import Case
from syncline_cases import load_case, names
from syncline_cases.httpd import case as httpd
from syncline_cases.httpd.__main__ import _options

NAMES = names()


def test_an_unknown_case_is_answered_with_those_there_are() -> None:
    with pytest.raises(UsageError) as error:
        load_case("book")
    assert str(error.value) == f"There is no case 'book'; there are: {', '.join(NAMES)}."
    with pytest.raises(UsageError):
        load_case("../users")


@pytest.mark.parametrize("name", NAMES)
def test_a_case_goes_to_json_and_back(name: str) -> None:
    case = load_case(name)
    assert case.name == name
    assert from_json(Case, to_json(case)) == case


@pytest.mark.parametrize("name", NAMES)
def test_names_in_a_case_point_at_something(name: str) -> None:
    case = load_case(name)
    variants = [variant.name for variant in case.variants]
    assert len(set(variants)) == len(variants)
    assert set(case.default_variants) <= set(variants)
    assert {figure.variant for figure in case.published} <= set(variants)
    assert len({variant.title for variant in case.variants}) == len(variants)


@pytest.mark.parametrize("name", NAMES)
def test_every_published_figure_has_a_default_load_beside_it(name: str) -> None:
    case = load_case(name)
    for loads in (case.loads, case.published_loads):
        levels = {(load.name, load.connections) for load in loads}
        assert {(figure.load, figure.connections) for figure in case.published} <= levels


@pytest.mark.parametrize("name", NAMES)
def test_default_and_quick_runs_are_as_short_as_is_said(name: str) -> None:
    case = load_case(name)
    count = len(case.default_variants)
    assert count * sum(load.duration_s for load in case.loads) <= 200
    assert count * sum(load.duration_s for load in case.quick_loads) <= 35


@pytest.mark.parametrize("name", NAMES)
def test_importing_the_package_imports_no_case(name: str) -> None:
    code = f"import sys, syncline_cases; sys.exit('syncline_cases.{name}' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_apps_of_users_are_modules_that_exist() -> None:
    for variant in load_case("users").variants:
        assert variant.app is not None
        module, _, attribute = variant.app.partition(":")
        assert attribute == "app"
        assert importlib.util.find_spec(module) is not None


def test_the_commands_of_httpd_are_understood_by_it() -> None:
    for variant in httpd.CASE.variants:
        assert variant.command[:2] == ("{python}", "-m")
        filled = [item.replace("{port}", "80") for item in variant.command[3:]]
        options = _options(filled)
        assert variant.name.startswith(f"w{options.workers}")
        assert options.hand_back is variant.name.endswith("hand-back")
        assert options.quiet is not ("logged" in variant.name)
