"""Graphics as the frames that the page's script draws into, each with a table behind it."""

from __future__ import annotations

import base64

from syncline.report.document import Attachment, Census, Chart, Flame, Node, Timeline
from syncline.report.graphics import Line, Served, View
from syncline.report.hottest import hottest
from syncline.report.html.blocks import table_block
from syncline.report.html.element import Markup, el
from syncline.report.tracks import FORMATS
from syncline.report.units import count

_ROWS = 40
_SPEEDSCOPE = "https://www.speedscope.app/"


def chart_figure(chart: Chart, number: int) -> Markup:
    """A place for the chart, its caption, and its figures as a table."""
    label = f"chart-{number}"
    chooser = None
    if len(chart.views) > 1:
        options = (el("option", view.label, value=str(i)) for i, view in enumerate(chart.views))
        chooser = el("label", "Show ", el("select", *options, id=f"{label}-view"), class_="chooser")
    return el(
        "figure",
        el("div", el("h3", chart.title, id=f"{label}-title"), chooser, class_="head"),
        el("div", class_="plot", id=label, role="img", aria_labelledby=f"{label}-title"),
        el("div", class_="legend", id=f"{label}-legend"),
        el("figcaption", chart.caption) if chart.caption else None,
        el(
            "details",
            el("summary", "The figures as a table"),
            *(_view_table(chart, view) for view in chart.views),
            class_="behind",
        ),
        class_="chart",
    )


def _view_table(chart: Chart, view: View) -> Markup:
    x, y = FORMATS[chart.x.quantity], FORMATS[chart.y.quantity]
    places = sorted({point.x for line in view.lines for point in line.points})
    if len(places) > _ROWS:
        stride = -(-len(places) // _ROWS)
        places = places[::stride]

    def cell(line: Line, place: float) -> str:
        for point in line.points:
            if point.x == place:
                interval = ""
                if point.low is not None and point.high is not None:
                    interval = f" ({y(point.low)} to {y(point.high)})"
                return point.note if point.y is None and point.note else y(point.y) + interval
        return "–"

    head = el(
        "tr",
        el("th", chart.x.title, scope="col"),
        *(el("th", line.name, scope="col", class_="right") for line in view.lines),
    )
    one_in = chart.x.quantity == "one_in"
    rows = (
        el(
            "tr",
            el("th", f"1 in {x(place)}" if one_in else x(place), scope="row"),
            *(el("td", cell(line, place), class_="right") for line in view.lines),
        )
        for place in places
    )
    caption = el("caption", f"{chart.title}{': ' if view.label else ''}{view.label}")
    table = el("table", caption, el("thead", head), el("tbody", *rows))
    return el("div", table, class_="wide", tabindex="0", role="region", aria_label=chart.title)


def timeline_figure(timeline: Timeline, number: int) -> Markup:
    """A place for the panels, with what chooses the trial, zooms and reads out."""
    label = f"timeline-{number}"
    options = (
        el("option", strip.label, value=str(i), selected=i == timeline.chosen)
        for i, strip in enumerate(timeline.strips)
    )
    keys = (
        "Arrow keys move the cursor, with Shift in larger steps; plus and minus zoom, 0 shows all; "
        "Home and End go to the ends. Drag across a panel to zoom into it."
    )
    return el(
        "figure",
        el(
            "div",
            el("h3", timeline.title, id=f"{label}-title"),
            el("label", "Trial ", el("select", *options, id=f"{label}-strip"), class_="chooser"),
            el("button", "Show all", type="button", id=f"{label}-all", class_="quiet"),
            class_="head",
        ),
        el("p", timeline.caption, " ", keys, id=f"{label}-keys", class_="dim"),
        el("ol", id=f"{label}-marks", class_="marks", aria_label="What happened when"),
        el(
            "div",
            id=label,
            class_="panels",
            role="group",
            tabindex="0",
            aria_labelledby=f"{label}-title",
            aria_describedby=f"{label}-keys",
        ),
        el(
            "details",
            el("summary", "The trial's figures as a table"),
            el(
                "div",
                id=f"{label}-table",
                class_="wide",
                tabindex="0",
                role="region",
                aria_label="Figures of the trial",
            ),
            class_="behind",
        ),
        el("noscript", el("p", "The timeline needs scripts.", class_="dim")),
        class_="timeline",
        id="timeline" if number == 0 else None,
    )


def flame_figure(flame: Flame, number: int) -> Markup:
    """A place for the flame graph with its search, and its hottest functions."""
    label = f"flame-{number}"
    return el(
        "figure",
        el(
            "div",
            el("h3", flame.title, id=f"{label}-title"),
            el("label", "Find ", el("input", type="search", id=f"{label}-find"), class_="chooser"),
            el("button", "Show all", type="button", id=f"{label}-all", class_="quiet"),
            class_="head",
        ),
        el("div", id=label, class_="flame", role="img", aria_labelledby=f"{label}-title"),
        el("p", id=f"{label}-said", class_="dim", role="status"),
        _whole(flame.whole, f"{label}-whole") if flame.whole is not None else None,
        el(
            "details",
            el("summary", "The hottest functions"),
            table_block(hottest(flame)),
            class_="behind",
        ),
        class_="chart",
    )


def _whole(profile: Attachment, label: str) -> Markup:
    """The full profile to be kept, and to be opened: speedscope gets it in the link's fragment."""
    content = base64.b64encode(profile.content).decode()
    kept = el(
        "a",
        profile.name,
        href=f"data:{profile.media_type};base64,{content}",
        download=profile.name,
        id=label,
    )
    opened = el(
        "a",
        "Open it in speedscope",
        href=_SPEEDSCOPE,
        target="_blank",
        rel="noopener noreferrer",
        data_whole=label,
    )
    return el(
        "p",
        "The full profile, line by line: ",
        kept,
        ". ",
        opened,
        "; it stays in your browser.",
        class_="dim whole",
    )


def census_figure(node: Node) -> Markup | None:
    """Each trial's connections as a bar: served, and never served; None for another node."""
    if not isinstance(node, Census):
        return None
    most = max((row.asked for row in node.rows), default=1)
    head = el(
        "tr",
        el("th", "trial", scope="col"),
        el("th", "served and never served", scope="col"),
        *(
            el("th", title, scope="col", class_="right")
            for title in ("asked", "never served", "opened", "failed", "answers on each")
        ),
    )
    table = el("table", el("thead", head), el("tbody", *(_served(row, most) for row in node.rows)))
    return el(
        "figure",
        el("h3", node.title),
        el("div", table, class_="wide", tabindex="0", role="region", aria_label=node.title),
        el(
            "figcaption",
            "Answers on each connection: the least, the median, the most. A good average can hide "
            "that some connections were never served.",
        ),
        class_="census",
    )


def _served(row: Served, most: int) -> Markup:
    total = 160 * row.asked / max(1, most)
    lost = total * row.never_served / max(1, row.asked)
    bar = el(
        "svg",
        el("rect", class_="served", width=f"{max(0.0, total - lost):.1f}", height="12", rx="2"),
        el(
            "rect", class_="lost", x=f"{total - lost:.1f}", width=f"{lost:.1f}", height="12", rx="2"
        ),
        width="160",
        height="12",
        role="img",
        aria_label=f"{row.asked - row.never_served} of {row.asked} served",
    )
    bad = "right bad" if row.never_served else "right dim"
    link = el("a", row.label, href="#timeline", data_strip=row.key)
    return el(
        "tr",
        el("th", link, scope="row"),
        el("td", bar),
        el("td", count(row.asked), class_="right"),
        el("td", count(row.never_served), class_=bad),
        el("td", count(row.opened), class_="right"),
        el("td", count(row.failed), class_="right bad" if row.failed else "right dim"),
        el("td", f"{count(row.least)} / {count(row.median)} / {count(row.most)}", class_="right"),
    )
