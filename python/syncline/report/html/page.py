"""The page around a document: head, policy, order of content, data and scripts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from syncline.report.document import Chart, Document, FindingBlock, Flame, Heading, Node, Timeline
from syncline.report.html import assets
from syncline.report.html.blocks import finding_block, plain_block
from syncline.report.html.data import chart_data, flame_data, timeline_data
from syncline.report.html.element import Markup, data, el, join, verbatim
from syncline.report.html.figures import census_figure, chart_figure, flame_figure, timeline_figure
from syncline.report.html.policy import policy

_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="none" stroke-width="2.4" '
    'stroke-linecap="round"><path d="M2 13C6 13 7 4 14 3" stroke="#0072b2"/>'
    '<path d="M2 13C7 13 9 11 14 11" stroke="#d55e00"/></svg>'
)


@dataclass(frozen=True, slots=True)
class Page:
    """A finished page.

    Attributes:
        policy: its content security policy, which it carries itself as well.
    """

    html: str
    policy: str


def render_html(document: Document) -> str:
    """The document as one HTML file that needs nothing else.

    The same document gives the same bytes.
    """
    return render_page(document).html


def render_page(document: Document, home: str | None = None) -> Page:
    """The same with its policy, for a server's header.

    Args:
        home: where the name in the page's bar leads; nowhere for a page that stands alone.
    """
    build = _Build()
    main = join(*build.sections(document.nodes))
    plots = bool(build.charts or build.timelines)
    flames = bool(build.flames)
    scripts = (*assets.vendored(plots=plots, flames=flames), assets.script())
    own = assets.style()
    styles = (own, *(assets.injected_styles() if flames else ()))
    values = {"charts": build.charts, "timelines": build.timelines, "flames": build.flames}
    allowed = policy(scripts, styles)
    page = el(
        "html",
        el(
            "head",
            el("meta", charset="utf-8"),
            el("meta", http_equiv="Content-Security-Policy", content=allowed),
            el("meta", name="viewport", content="width=device-width, initial-scale=1"),
            el("meta", name="color-scheme", content="light dark"),
            el("meta", name="referrer", content="no-referrer"),
            el("meta", name="generator", content="Syncline"),
            el("title", _title(document)),
            icon(),
            verbatim("style", own),
        ),
        el(
            "body",
            el("a", "Skip to the report", class_="skip", href="#report"),
            _bar(build.contents, home),
            el("main", main, id="report", tabindex="-1"),
            el("div", id="say", class_="unseen", role="status", aria_live="polite"),
            data("data", values),
            *(verbatim("script", text) for text in scripts),
        ),
        lang="en",
    )
    return Page(f"<!doctype html>\n{page.text}\n", allowed)


@dataclass
class _Build:
    """What a page gathers while its nodes are written."""

    charts: list[Any] = field(default_factory=list)
    timelines: list[Any] = field(default_factory=list)
    flames: list[Any] = field(default_factory=list)
    contents: list[tuple[str, str]] = field(default_factory=list)

    def sections(self, nodes: tuple[Node, ...]) -> Iterator[Markup]:
        """Each heading of level 2 with what follows it is a section."""
        group: list[Markup] = []
        charts: list[Markup] = []
        label: str | None = None
        for node in nodes:
            if isinstance(node, Heading) and node.level == 2:
                yield _section([*group, *_beside(charts)], label)
                charts = []
                label = f"section-{len(self.contents) + 1}"
                self.contents.append((label, node.text))
                group = [el("h2", node.text, id=label)]
            elif isinstance(node, Chart):
                charts.append(self.block(node))
                continue
            else:
                group += [*_beside(charts), self.block(node)]
                charts = []
        yield _section([*group, *_beside(charts)], label)

    def block(self, node: Node) -> Markup:
        """One node."""
        match node:
            case Chart():
                self.charts.append(chart_data(node))
                return chart_figure(node, len(self.charts) - 1)
            case Timeline():
                self.timelines.append(timeline_data(node))
                return timeline_figure(node, len(self.timelines) - 1)
            case Flame():
                self.flames.append(flame_data(node))
                return flame_figure(node, len(self.flames) - 1)
            case FindingBlock():
                return finding_block(node)
            case _:
                return census_figure(node) or plain_block(node)


def _beside(charts: list[Markup]) -> list[Markup]:
    """Charts that follow each other stand side by side where there is room."""
    return [el("div", *charts, class_="pair")] if len(charts) > 1 else charts


def _section(group: list[Markup], label: str | None) -> Markup:
    if not group:
        return Markup("")
    kind = "answer" if label is None else "part"
    return el("section", *group, class_=kind, aria_labelledby=label)


def _bar(contents: list[tuple[str, str]], home: str | None) -> Markup:
    links = (el("li", el("a", text, href=f"#{label}")) for label, text in contents)
    toggle = el("button", "Theme: system", type="button", id="theme", class_="quiet", hidden=True)
    return el(
        "header",
        brand(home),
        el("nav", el("ul", *links), aria_label="Contents"),
        toggle,
        class_="bar",
    )


def brand(home: str | None) -> Markup:
    """The name in a page's bar, which leads home."""
    if home is None:
        return el("span", "Syncline", class_="brand")
    return el("a", "Syncline", href=home, class_="brand")


def icon() -> Markup:
    """Two lines that run apart, as the page's sign; in the page, so that nothing is asked for."""
    return el("link", rel="icon", href=f"data:image/svg+xml,{quote(_ICON)}")


def _title(document: Document) -> str:
    first = next((node.text for node in document.nodes if isinstance(node, Heading)), "Report")
    return f"{first} · Syncline"
