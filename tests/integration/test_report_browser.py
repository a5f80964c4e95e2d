"""Pages in a real browser: they work, they obey their own policy, and nothing in them attacks."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from syncline.report.html import render_html
from syncline.report.run_report import build_report
from tests.integration.browsing import chromium
from tests.unit.pages import HOSTILE, WHOLE, hostile_report, observed_run

pytestmark = pytest.mark.browser
PATIENCE_MS = 30_000
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    folder.joinpath("run.html").write_text(render_html(build_report(observed_run())))
    folder.joinpath("hostile.html").write_text(render_html(hostile_report()))
    return folder


@pytest.fixture
def visit(browser: Browser, pages: Path) -> Iterator[Open]:
    """Opens a page from disk; at the end it must not have said anything on its console."""
    said: list[str] = []
    opened: list[Page] = []

    def open_page(name: str = "run.html", anchor: str = "", **settings: object) -> Page:
        page = browser.new_page(**settings)  # type: ignore[arg-type]
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda line: said.append(_line(line)))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda asked: _only_from_disk(asked.url, said))
        page.goto(f"{(pages / name).as_uri()}{anchor}")
        page.wait_for_selector("html[data-ready=yes]")
        opened.append(page)
        return page

    yield open_page
    for page in opened:
        page.close()
    assert said == []


def _line(line: ConsoleMessage) -> str:
    return f"{line.type}: {line.text}"


def _only_from_disk(url: str, said: list[str]) -> None:
    if not url.startswith(("file:", "data:")):
        said.append(f"the page asked for {url}")


def test_a_page_draws_its_charts_and_its_timeline_without_a_word_on_the_console(
    visit: Open,
) -> None:
    page = visit()
    assert page.locator("figure.chart canvas").count() == 3
    assert page.locator("#timeline-0 .panel canvas").count() >= 5
    assert page.locator("#timeline-0-strip option:checked").inner_text().startswith("sync, 48")


def test_evidence_leads_to_its_trial_and_instant(visit: Open) -> None:
    page = visit()
    page.select_option("#timeline-0-strip", index=0)
    page.click("a.jump[data-at]")
    assert page.locator("#timeline-0-strip option:checked").inner_text().startswith("sync, 48")
    pool = page.locator(".panel", has_text="Connection pool").locator(
        ".key", has_text="checked out"
    )
    assert pool.locator(".value").inner_text() == "15"
    assert "At 0.4 s" in page.locator("#say").inner_text()
    assert page.evaluate("document.activeElement.id") == "timeline-0"
    # The address tells the place to somebody else.
    assert "@0.4" in page.url
    again = visit(anchor="#" + page.url.partition("#")[2])
    assert "At 0.4 s" in again.locator("#say").inner_text()


def test_the_cursor_moves_by_keys_and_over_all_panels_at_once(visit: Open) -> None:
    page = visit()
    page.focus("#timeline-0")
    page.keyboard.press("End")
    page.keyboard.press("Shift+ArrowLeft")
    assert page.locator("#say").inner_text().startswith("At ")
    lefts = page.eval_on_selector_all(
        "#timeline-0 .u-cursor-x", "all => all.map(one => one.style.transform)"
    )
    assert len(lefts) >= 5
    assert len(set(lefts)) == 1
    box = page.locator("#timeline-0 .panel .u-over").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 5)
    values = page.locator("#timeline-0 .panel .key:first-child .value").all_inner_texts()
    assert all(values)


def test_dragging_and_keys_zoom_and_show_all_goes_back(visit: Open) -> None:
    page = visit()
    panel = page.locator("#timeline-0 .panel .u-over").first
    panel.scroll_into_view_if_needed()
    box = panel.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.25, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, middle, steps=4)
    page.mouse.up()
    dragged = page.locator("#say").inner_text()
    page.focus("#timeline-0")
    page.keyboard.press("+")
    closer = page.locator("#say").inner_text()
    page.click("#timeline-0-all")
    whole = page.locator("#say").inner_text()
    assert dragged.startswith("Shown: ")
    assert not dragged.startswith("Shown: 0 s")
    assert len({dragged, closer, whole}) == 3
    assert whole.startswith("Shown: 0 s")


def test_hostile_texts_are_shown_and_do_nothing(visit: Open) -> None:
    page = visit("hostile.html")
    assert page.evaluate("window.pwned") is None
    assert page.locator("img, iframe, [onerror], [onload], [onfocus]").count() == 0
    start = HOSTILE[:40]
    for place in ("h1", ".finding .summary", "pre", ".marks", "dl"):
        assert start in page.locator(place, has_text=start).first.inner_text()
    page.fill("input[type=search]", "work")
    page.locator(".flame g.frame", has_text="main").first.click()
    page.locator(".flame g.frame").last.hover()
    page.click("a.jump[data-at]")
    assert page.evaluate("window.pwned") is None


def test_a_whole_profile_is_kept_as_a_file_and_handed_to_speedscope_alone(visit: Open) -> None:
    page = visit("hostile.html")
    page.context.route(
        "https://www.speedscope.app/**",
        lambda route: route.fulfill(body="<p>a stranger's page", content_type="text/html"),
    )
    with page.expect_download() as kept:
        page.click(".whole a[download]")
    assert Path(kept.value.path()).read_bytes() == WHOLE
    with page.expect_popup() as opened:
        page.click(".whole a[data-whole]")
    popup = opened.value
    popup.wait_for_selector("p")
    (handed,) = parse_qs(urlsplit(popup.url).fragment)["profileURL"]
    assert base64.b64decode(handed.partition(",")[2]) == WHOLE
    assert popup.evaluate("window.opener") is None


def test_a_page_fits_a_phone(visit: Open) -> None:
    page = visit(viewport={"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_theme_follows_the_system_and_the_reader(visit: Open) -> None:
    page = visit(color_scheme="dark")
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(paper)
    page.click("#theme")
    assert page.evaluate(paper) != dark
    page.click("#theme")
    assert page.evaluate(paper) == dark


def test_the_tables_are_there_without_scripts(browser: Browser, pages: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((pages / "run.html").as_uri())
    assert page.locator("table").count() >= 5
    page.locator("summary", has_text="The figures as a table").first.click()
    assert page.locator("td", has_text="hang").first.is_visible()
    context.close()
