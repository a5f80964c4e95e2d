from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from syncline.finding import Verification
from syncline.report.document import Document, Flame, Timeline
from syncline.report.graphics import Panel, Strip, Track
from syncline.report.html import render_html
from syncline.report.html.data import flame_data
from syncline.report.html.element import data, el, safe_json, verbatim
from syncline.report.html.policy import source_hash
from syncline.report.run_report import build_report
from syncline.report.strips import strips_of
from tests.unit.factories import load_result, outcome
from tests.unit.pages import HOSTILE, hostile_report, observed_run, series

VENDOR = files("syncline.report.html").joinpath("vendor")


class _Page(HTMLParser):
    """What a browser's parser would make of a page: elements, and texts of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.styles: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append((dict(attrs), ""))
        elif tag == "style":
            self.styles.append("")

    def handle_data(self, data: str) -> None:
        last = self.elements[-1][0] if self.elements else ""
        if last == "script" and self.cdata_elem == "script":
            attributes, before = self.scripts[-1]
            self.scripts[-1] = attributes, before + data
        elif last == "style" and self.cdata_elem == "style":
            self.styles[-1] += data

    @property
    def policy(self) -> str:
        found = [a for tag, a in self.elements if a.get("http-equiv")]
        return found[0]["content"] or ""


@pytest.fixture(scope="module")
def page() -> _Page:
    return _Page(render_html(hostile_report()))


def test_no_text_becomes_an_element_or_an_attribute(page: _Page) -> None:
    assert "img" not in {tag for tag, _ in page.elements}
    allowed = re.compile(r"on|style$|src$")
    assert not [
        name for _, attributes in page.elements for name in attributes if allowed.match(name)
    ]
    assert len(page.styles) == 1
    kinds = [attributes.get("type") for attributes, _ in page.scripts]
    assert kinds.count("application/json") == 1


def test_the_policy_allows_exactly_what_the_page_carries(page: _Page) -> None:
    allowed = dict(part.split(" ", 1) for part in page.policy.split("; "))
    code = [text for attributes, text in page.scripts if attributes.get("type") is None]
    assert allowed["default-src"] == "'none'"
    assert allowed["script-src"].split() == [source_hash(text) for text in code]
    assert source_hash(page.styles[0]) == allowed["style-src"].split()[0]
    assert "unsafe" not in page.policy
    assert allowed["require-trusted-types-for"] == "'script'"


def test_nothing_is_loaded_from_elsewhere(page: _Page) -> None:
    assert not [tag for tag, _ in page.elements if tag in ("img", "iframe", "object", "embed")]
    (icon,) = [a for tag, a in page.elements if tag == "link"]
    assert (icon.get("href") or "").startswith("data:image/svg+xml,")
    links = [a for tag, a in page.elements if tag == "a"]
    assert len(links) > 5
    away = [a for a in links if not (a.get("href") or "").startswith("#")]
    kept, followed = away  # a file within the page, and what a reader may choose to open
    assert (kept.get("href") or "").startswith("data:application/gzip;base64,")
    assert "download" in kept
    assert followed.get("href") == "https://www.speedscope.app/"
    assert followed.get("rel") == "noopener noreferrer"
    assert not [a for _, a in page.elements if "src" in a or "srcset" in a or "action" in a]


def test_data_come_back_from_the_page_as_they_were(page: _Page) -> None:
    (text,) = [text for attributes, text in page.scripts if attributes.get("id") == "data"]
    assert json.loads(text)["flames"][0]["title"] == HOSTILE
    assert not set("<>&\u2028") & set(text)


def test_json_in_a_page_cannot_end_its_element() -> None:
    assert json.loads(safe_json({"</script>": "<!--&\u2029"})) == {"</script>": "<!--&\u2029"}
    assert "</script><" not in data("x", ["</script><script>"]).text
    with pytest.raises(ValueError, match="end its script"):
        verbatim("script", "'</SCRIPT>'")


@pytest.mark.parametrize("name", ["onclick", "style", "src", "Bad", "x y"])
def test_an_attribute_that_could_act_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no attribute"):
        el("a", **{name: "x"})


def test_the_same_run_gives_the_same_page() -> None:
    assert render_html(build_report(observed_run())) == render_html(build_report(observed_run()))


def test_the_answer_comes_before_the_figures() -> None:
    text = render_html(build_report(observed_run()))
    order = [
        text.index(word) for word in (">sync bends at 48", ">Root cause</h2>", ">Under load</h2>")
    ]
    assert order == sorted(order)


def test_a_measured_fix_is_proved_in_the_answer_and_beside_the_cure() -> None:
    proof = Verification("fixed", 1.9, (1.7, 2.1), imposed={"admission": "54"})
    record = observed_run()
    record = replace(record, findings=(replace(record.findings[0], verification=proof),))
    text = render_html(build_report(record))
    answer, _, rest = text.partition(">Root cause</h2>")
    assert "Proof: fixed. admission=54 imposed" in answer
    assert "Proof: fixed. admission=54 imposed" in rest


def test_a_page_of_a_long_run_of_many_trials_stays_below_a_megabyte() -> None:
    record = observed_run()
    trial, seen = record.trials[2]
    many = {
        f"{name}": series("1", *(float(i * 7919 % 1000) for i in range(4096)))
        for name in (
            *("probe.pool_checked_out", "probe.pool_waiters", "probe.limiter_borrowed"),
            *("probe.loop_lag_max_ms", "postgres.sessions", "postgres.sessions.active"),
            *("process.rss_bytes", "process.cpu_cores", "sockets.established", "sockets.unread"),
        )
    }
    seen = outcome(load_result(), series=many, observations=seen.observations)
    trials = tuple(
        (type(trial)(trial.case, trial.variant, trial.load, repeat), seen) for repeat in range(24)
    )
    long = replace(record, trials=trials, planned=tuple(one for one, _ in trials))
    assert len(strips_of(trials)) == 24
    assert len(render_html(build_report(long)).encode()) < 1_000_000


def test_vendored_files_are_those_that_were_recorded() -> None:
    packages = json.loads(VENDOR.joinpath("VERSIONS.json").read_text())
    recorded = {
        name: one["sha256"] for package in packages for name, one in package["files"].items()
    }
    there = {one.name for one in VENDOR.iterdir() if one.name.endswith((".js", ".css"))}
    assert there == set(recorded)
    for name, digest in recorded.items():
        assert hashlib.sha256(VENDOR.joinpath(name).read_bytes()).hexdigest() == digest, name
    for package in packages:
        assert VENDOR.joinpath(package["licence_file"]).read_text().strip(), package["name"]


def test_flame_graphs_bring_their_library_only_where_there_are_some() -> None:
    without = render_html(build_report(observed_run()))
    with_flames = render_html(Document((Flame("cpu", ((("a",), 1),)),)))
    assert "flamegraph={}" not in without
    assert "flamegraph={}" in with_flames


def test_a_flame_graph_adds_stacks_up_and_tells_shares_before_from_now() -> None:
    tree = flame_data(Flame("cpu", ((("a", "b"), 3), (("a",), 1)), against=((("a", "b"), 1),)))
    (a,) = tree["root"]["children"]
    (b,) = a["children"]
    assert (tree["root"]["value"], a["value"], b["value"]) == (4, 4, 3)
    assert (a["delta"], b["delta"]) == (0, -250_000)


def test_a_timeline_of_nothing_known_is_drawn_as_nothing() -> None:
    track = Track("x", (0.0, 1.0), (None, None))
    strip = Strip("0", "one", 1.0, (Panel("Pool", "count", (track,)),))
    assert '"v":[null,null]' in render_html(Document((Timeline("t", (strip,)),)))
