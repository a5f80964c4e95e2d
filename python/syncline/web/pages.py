"""The page's own pages: the list of runs, a run that goes on, and a sentence about an error."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, get_args
from urllib.parse import urlencode

from syncline.record import Status
from syncline.report.html import Page
from syncline.report.html.assets import script_with, style, vendored
from syncline.report.html.element import Markup, data, el, join, verbatim
from syncline.report.html.page import brand, icon
from syncline.report.html.policy import policy
from syncline.store import RunSummary
from syncline.web.kept import Filter
from syncline.web.runner import Active, Offer

PER_PAGE = 50
_TONES = {"finished": "good", "running": "running", "interrupted": "warn", "failed": "bad"}


def runs_page(
    runs: Sequence[RunSummary],
    asked: Filter,
    number: int,
    offers: Sequence[Offer],
    active: Active | None,
) -> Page:
    """The list of runs, what chooses among them, and what starts one.

    Args:
        runs: all of the store, the newest first.
        number: of the list's page, from 1.
    """
    found = [run for run in runs if asked.takes(run)]
    shown = found[(number - 1) * PER_PAGE : number * PER_PAGE]
    return _page(
        "Runs",
        el("h1", "Runs that are kept", class_="title"),
        _going_on(active),
        el("p", "Runs have changed. ", el("a", "Show them", href=""), id="changed", hidden=True),
        _start(offers) if active is None or active.ended else None,
        _filter(runs, asked),
        _list(shown) if shown else _nothing(runs),
        _pages(asked, number, len(found)),
        script="list.js",
        values={"state": state_of(runs, active)},
    )


def state_of(runs: Sequence[RunSummary], active: Active | None) -> str:
    """A word that changes whenever the list does."""
    going = None if active is None else (active.title, active.ended)
    return hashlib.sha256(repr((runs, going)).encode()).hexdigest()


def live_page(title: str, source: str, *, may_cancel: bool, report: str = "") -> Page:
    """A run that goes on, told by the stream at ``source``.

    Args:
        report: where the report so far is; empty if the run's id is not known yet.
    """
    cancel = None
    if may_cancel:
        button = el("button", "Cancel the run", id="cancel", class_="quiet")
        cancel = el("form", button, method="post", action="/cancel", id="cancel-form")
    link = el("a", "The report so far", id="report-link", href=report or "/", hidden=not report)
    return _page(
        "Live",
        el(
            "div",
            el("h1", el("span", "", class_="pulse", id="pulse"), el("span", title, id="title")),
            cancel,
            class_="head",
        ),
        el("progress", id="progress", value="0", max="1", aria_label="Trials done"),
        el("p", el("strong", "Connecting", id="doing"), " ", el("span", id="left", class_="dim")),
        el("p", link),
        el("pre", id="words", hidden=True, tabindex="0"),
        el("h2", "", id="trial", hidden=True),
        el("p", id="glance", class_="glance"),
        el("div", id="panels", class_="live", role="group", aria_label="The trial that runs"),
        el("h2", "Trials that are done", id="done-title"),
        el("ol", id="done", class_="done", aria_labelledby="done-title"),
        el("ul", id="notes", class_="dim", aria_label="Notes"),
        el("noscript", el("p", "What goes on is shown by scripts; they are off.", class_="note")),
        script="live.js",
        plots=True,
        values={"source": source},
    )


def error_page(sentence: str) -> Page:
    """One sentence, and the way back."""
    return _page(
        "Error",
        el("h1", "That did not work", class_="title"),
        el("p", sentence, class_="note warn"),
        el("p", el("a", "To the runs", href="/")),
        script="list.js",
    )


def _page(
    title: str,
    *main: Markup | None,
    script: str,
    plots: bool = False,
    values: dict[str, Any] | None = None,
) -> Page:
    scripts = (*vendored(plots=plots, flames=False), script_with(_asset(script)))
    own = f"{style()}\n{_asset('web.css')}"
    allowed = policy(scripts, (own,), served=True)
    page = el(
        "html",
        el(
            "head",
            el("meta", charset="utf-8"),
            el("meta", name="viewport", content="width=device-width, initial-scale=1"),
            el("meta", name="color-scheme", content="light dark"),
            el("title", f"{title} · Syncline"),
            icon(),
            verbatim("style", own),
        ),
        el(
            "body",
            el("a", "Skip to the content", class_="skip", href="#content"),
            el(
                "header",
                brand("/"),
                el("nav", el("ul", el("li", el("a", "Runs", href="/"))), aria_label="Pages"),
                el("button", "Theme", type="button", id="theme", class_="quiet", hidden=True),
                class_="bar",
            ),
            el("main", *main, id="content", tabindex="-1"),
            el("div", id="say", class_="unseen", role="status", aria_live="polite"),
            data("data", values or {}),
            *(verbatim("script", text) for text in scripts),
        ),
        lang="en",
    )
    return Page(f"<!doctype html>\n{page.text}\n", allowed)


@cache
def _asset(name: str) -> str:
    return files("syncline.web").joinpath("assets", name).read_text(encoding="utf-8")


def _going_on(active: Active | None) -> Markup | None:
    if active is None:
        return None
    if active.ended:
        words = ("Ended: ", el("code", active.title), " ", el("a", "what it said", href="/live"))
        return el("p", *words, class_="note")
    pulse = el("span", class_="pulse")
    link = el("a", "Watch it", href="/live")
    return el("p", pulse, "Running: ", el("code", active.title), " ", link, class_="note")


def _start(offers: Sequence[Offer]) -> Markup | None:
    if not offers:
        return None
    cases = (el("option", f"{one.name}: {one.title}", value=one.name) for one in offers)
    return el(
        "form",
        el("label", "Start ", el("select", *cases, name="case"), class_="grow"),
        el(
            "label",
            "for ",
            el(
                "select",
                el("option", "a quick look", value="quick"),
                el("option", "the whole", value="full"),
                name="effort",
            ),
        ),
        el("button", "Start the run", class_="main"),
        method="post",
        action="/start",
        class_="controls start",
        aria_label="Start a run",
    )


def _filter(runs: Sequence[RunSummary], asked: Filter) -> Markup:
    def chooser(name: str, chosen: str, values: Sequence[str]) -> Markup:
        all_ = el("option", f"any {name}", value="")
        options = (el("option", one, value=one, selected=one == chosen) for one in values)
        return el("select", all_, *options, name=name, aria_label=name.capitalize())

    cases = sorted({run.case for run in runs})
    text = {"name": "text", "id": "text", "value": asked.text, "placeholder": "id, case, commit"}
    return el(
        "form",
        chooser("case", asked.case, cases),
        chooser("status", asked.status, get_args(Status)),
        el("input", type="search", aria_label="Text", class_="grow", **text),
        el("button", "Filter"),
        method="get",
        action="/",
        class_="controls",
        role="search",
        id="filter",
    )


def _list(runs: Sequence[RunSummary]) -> Markup:
    titles = ("", "run", "case", "status", "trials", "started (UTC)", "commit")
    head = el("tr", *(el("th", title, scope="col") for title in titles))
    table = el("table", el("thead", head), el("tbody", *map(_row, runs)))
    button = el("button", "Compare the two", id="compare")
    hint = el("span", "Tick two runs to hold them against each other.", class_="dim", id="hint")
    return el(
        "form",
        el("div", table, class_="wide", tabindex="0", role="region", aria_label="Runs"),
        el("p", button, " ", hint, class_="controls"),
        method="get",
        action="/compare",
        id="list",
    )


def _row(run: RunSummary) -> Markup:
    trials = f"{run.done} of {run.planned}" if run.done != run.planned else str(run.done)
    commit = f"{run.commit[:10]}{'+' if run.dirty else ''}" if run.commit else "–"
    tick = el("input", type="checkbox", name="run", value=run.id, aria_label=f"Compare {run.id}")
    return el(
        "tr",
        el("td", tick),
        el("th", el("a", run.id, href=f"/runs/{run.id}"), scope="row"),
        el("td", run.case),
        el("td", el("span", run.status, class_=f"state {_TONES[run.status]}")),
        el("td", trials, class_="right"),
        el("td", run.started[:19].replace("T", " ")),
        el("td", el("code", commit), class_="dim"),
    )


def _nothing(runs: Sequence[RunSummary]) -> Markup:
    if runs:
        return el("p", "No run is like that. ", el("a", "Show all", href="/"), class_="note")
    words = ("No run is kept here yet. Start one above, or type ", el("code", "syncline run users"))
    return el("p", *words, ".", class_="note")


def _pages(asked: Filter, number: int, count: int) -> Markup | None:
    last = max(1, -(-count // PER_PAGE))
    if last == 1:
        return None

    def link(to: int, text: str) -> Iterator[Markup]:
        if 1 <= to <= last and to != number:
            fields = {"case": asked.case, "status": asked.status, "text": asked.text, "page": to}
            yield el("a", text, href=f"/?{urlencode(fields)}")

    return el(
        "nav",
        join(*link(number - 1, "Newer")),
        el("span", f"Page {number} of {last}", class_="dim"),
        join(*link(number + 1, "Older")),
        class_="controls",
        aria_label="More runs",
    )
