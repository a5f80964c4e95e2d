"""The local page in a real browser, served by ``syncline ui`` as a user starts it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from syncline.store import Store
from tests.integration.browsing import chromium
from tests.unit.factories import run_record, with_rate
from tests.unit.pages import HOSTILE, observed_run

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
PATIENCE_MS = 60_000
LIMIT_S = 60.0
SYNCLINE = (sys.executable, "-c", "from syncline.cli import main; main()")
OLD, NEW, EVIL = "20260101-000000-aaaa", "20260201-000000-bbbb", "20260102-000000-cccc"
LATER = "20260103-000000-dddd"

# A service of one's own, so that a run needs neither a database nor a case's libraries.
SERVICE = """
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
        await send({"type": "http.response.body", "body": b"hello"})
"""
CONFIG = """
[service]
app = "tiny:app"

[[requests]]
path = "/<img src=x onerror=window.pwned=1>"

[[loads]]
connections = [2]
duration = "60s"
"""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A user's project with a store; the servers' own account can get to it."""
    with tempfile.TemporaryDirectory(prefix="syncline-test-") as name:
        place = Path(name)
        (place / "tmp").mkdir()
        place.chmod(0o711)
        (place / "tiny.py").write_text(SERVICE)
        (place / "syncline.toml").write_text(CONFIG)
        with Store.open(str(place / "runs.db")) as store:
            for run_id, rate in ((OLD, 50.0), (NEW, 70.0)):
                started = f"{run_id[:4]}-{run_id[4:6]}-{run_id[6:8]}T00:00:00Z"
                record = run_record({("sync", 1): with_rate(rate)}, id=run_id, started=started)
                store.import_run(record)
            store.import_run(replace(observed_run(HOSTILE), id=EVIL))
        yield place


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[str]:
    """The printed address, for as long as the program runs."""
    with _ui(folder) as program:
        yield _address(program)
        program.send_signal(signal.SIGINT)
        assert program.wait(LIMIT_S) == 0, "Ctrl-C is how one ends it"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1100, "height": 800})
    made.set_default_timeout(PATIENCE_MS)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext, served: str) -> Iterator[Page]:
    """The list, let in by the printed address; at the end no page has complained."""
    said: list[str] = []
    context.on("console", lambda line: said.append(f"{line.type}: {line.text}"))
    context.on("weberror", lambda error: said.append(str(error.error)))
    opened = context.new_page()
    opened.goto(served)
    opened.wait_for_url(re.compile(r"/$"))
    ready(opened)
    yield opened
    assert said == []


def ready(page: Page) -> None:
    page.wait_for_selector("html[data-ready=yes]")


def test_the_printed_address_lets_in_and_leaves_no_token_in_the_address(
    page: Page, context: BrowserContext, served: str
) -> None:
    token = served.partition("token=")[2]
    assert token not in page.url
    assert token not in page.content()
    assert page.evaluate("document.cookie") == ""
    (cookie,) = context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")


def test_a_page_of_strangers_cannot_use_the_cookie(
    context: BrowserContext, served: str, tmp_path: Path
) -> None:
    page = context.new_page()
    page.goto(served)
    page.wait_for_url(re.compile(r"/$"))
    evil = tmp_path / "evil.html"
    evil.write_text(
        f'<form method="post" action="{page.url}start">'
        '<input name="case" value="syncline.toml"><button>free money</button></form>'
    )
    page.goto(evil.as_uri())
    with page.expect_navigation() as navigation:
        page.click("button")
    assert navigation.value is not None
    assert navigation.value.status == 403


def test_the_list_is_filtered_and_leads_to_a_report_with_its_cursor(page: Page) -> None:
    assert page.locator("#list tbody tr").count() >= 3
    page.fill("input[name=text]", "cccc")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("text=cccc"))
    ready(page)
    assert page.locator("#list tbody tr").count() == 1
    page.click(f"text={EVIL}")
    ready(page)
    assert page.locator("figure canvas").count() >= 5
    page.focus("#timeline-0")
    page.keyboard.press("End")
    assert page.locator("#say").inner_text().startswith("At ")
    assert page.evaluate("window.pwned") is None
    page.click("a.brand")
    page.wait_for_url(re.compile(r"/$"))


def test_the_list_shows_a_run_that_others_make_but_not_under_the_reader_s_hand(
    page: Page, folder: Path
) -> None:
    page.check(f"input[value='{OLD}']")
    with Store.open(str(folder / "runs.db")) as store:
        store.import_run(run_record({("sync", 1): with_rate(60.0)}, id=LATER))
        try:
            page.wait_for_selector("#changed:visible")
            assert page.locator(f"a[href='/runs/{LATER}']").count() == 0
            page.uncheck(f"input[value='{OLD}']")
            page.wait_for_selector(f"a[href='/runs/{LATER}']")
        finally:
            store.delete_run(LATER)


def test_exactly_two_runs_are_compared(page: Page) -> None:
    assert page.locator("#compare").is_disabled()
    page.check(f"input[value='{NEW}']")
    page.check(f"input[value='{OLD}']")
    page.click("#compare")
    ready(page)
    assert page.locator("h1").inner_text() == f"{NEW} against {OLD}"
    assert "1.4" in page.locator("table").first.inner_text()


# Notes each value that the first chart shows.
NOTING = """
window.seen = new Set();
addEventListener("DOMContentLoaded", () => new MutationObserver(() => {
  const value = document.querySelector("#panels .value");
  if (value) window.seen.add(value.textContent);
}).observe(document.body, { childList: true, subtree: true, characterData: true }));
"""


def test_a_run_is_started_watched_and_its_report_opened(page: Page) -> None:
    page.add_init_script(NOTING)
    page.select_option("select[name=case] >> nth=0", "syncline.toml")
    page.click("button.main")
    page.wait_for_url(re.compile("/live$"))
    page.wait_for_selector("#panels canvas")
    page.wait_for_selector("html[data-over=yes]")
    rates = page.evaluate("[...window.seen]")
    assert len([one for one in rates if re.fullmatch(r"[\d,.]+/s", one)]) >= 2, "charts move"
    assert page.locator("#doing").inner_text() == "Finished."
    assert page.locator("#done li").count() >= 1
    page.click("text=Open the report")
    page.wait_for_url(re.compile("/runs/"))
    ready(page)
    assert page.locator("figure canvas").count() >= 3
    assert page.evaluate("window.pwned") is None
    assert "--events" not in page.inner_text("main"), "the command is one that can be typed"


def test_a_run_is_cancelled_and_kept(page: Page) -> None:
    page.select_option("select[name=case] >> nth=0", "syncline.toml")
    page.select_option("select[name=effort]", "full")
    page.click("button.main")
    page.wait_for_selector("#panels canvas")
    page.click("#cancel")
    page.wait_for_selector("html[data-over=yes]")
    assert "interrupted" in page.inner_text("#doing")
    page.goto(page.url.replace("/live", "/"))
    ready(page)
    assert page.locator("#list tbody tr").first.inner_text().count("interrupted") == 1


def test_pages_fit_a_phone(browser: Browser, served: str) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 740}, color_scheme="dark")
    page.goto(served)
    page.wait_for_url(re.compile(r"/$"))
    for path in ("", f"runs/{NEW}", f"compare?run={NEW}&run={OLD}", "live", "nothing"):
        page.goto(f"{served.partition('?')[0]}{path}")
        ready(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
    page.close()


def test_what_was_started_ends_with_a_page_that_is_killed(
    folder: Path, context: BrowserContext
) -> None:
    with _ui(folder) as program:
        page = context.new_page()
        page.goto(_address(program))
        page.wait_for_url(re.compile(r"/$"))
        page.select_option("select[name=case] >> nth=0", "syncline.toml")
        page.select_option("select[name=effort]", "full")
        page.click("button.main")
        page.wait_for_selector("#panels canvas")
        below = psutil.Process(program.pid).children(recursive=True)
        assert len(below) >= 4, "guards, the run, its service"
        program.kill()
    _, alive = psutil.wait_procs(below, timeout=LIMIT_S)
    assert alive == []


def _ui(folder: Path) -> subprocess.Popen[str]:
    env = {**os.environ, "SYNCLINE_TMPDIR": str(folder / "tmp"), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [*SYNCLINE, "ui", "--store", "runs.db"],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        text=True,
    )


def _address(program: subprocess.Popen[str]) -> str:
    assert program.stdout is not None
    found = re.search(r"http://\S+", program.stdout.readline())
    assert found is not None
    return found.group()
