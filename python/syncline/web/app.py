"""The routes: what is asked of the page, answered from the store and the runner."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route
from starlette.types import ASGIApp

from syncline.between import between
from syncline.errors import SynclineError, UsageError
from syncline.experiment.environment import differences
from syncline.report.change import build_change
from syncline.report.html import Page, render_page
from syncline.report.run_report import build_report
from syncline.web.access import Access, Guard
from syncline.web.follow import follow_active, follow_stored
from syncline.web.kept import Filter, Kept
from syncline.web.pages import error_page, live_page, runs_page, state_of
from syncline.web.runner import Runner

_FORM_BYTES = 4096
_MOST_PAGES = 100_000


@dataclass(frozen=True, slots=True)
class Site:
    """What the page shows and may start."""

    kept: Kept
    runner: Runner

    def runs(self, request: Request) -> Response:
        """``GET /``: the list."""
        asked = request.query_params
        number = asked.get("page", "1")
        chosen = Filter(asked.get("case", ""), asked.get("status", ""), asked.get("text", ""))
        at = min(int(number), _MOST_PAGES) if number.isascii() and number.isdecimal() else 1
        runner = self.runner
        runs = self.kept.summaries()
        return _sent(runs_page(runs, chosen, max(1, at), runner.offers, runner.active))

    def state(self, _request: Request) -> Response:
        """``GET /state``: a word that changes whenever the list does."""
        return PlainTextResponse(state_of(self.kept.summaries(), self.runner.active))

    def run(self, request: Request) -> Response:
        """``GET /runs/ID``: the report; of a run that goes on, what is seen of it from here."""
        run_id = request.path_params["run"]
        if self.kept.summary(run_id).status == "running":
            title = f"Run {run_id}"
            place = f"/runs/{run_id}"
            page = live_page(title, f"{place}/events", may_cancel=False, report=f"{place}/report")
            return _sent(page)
        return self.report(request)

    def report(self, request: Request) -> Response:
        """``GET /runs/ID/report``: what is known by now, as the page that can be sent to others."""
        record = self.kept.record(request.path_params["run"])
        return _sent(render_page(build_report(record), home="/"))

    async def run_events(self, request: Request) -> Response:
        """``GET /runs/ID/events``: a run that somebody else drives, trial by trial."""
        run_id = request.path_params["run"]
        await run_in_threadpool(self.kept.summary, run_id)
        return _stream(follow_stored(self.kept, run_id, _last_id(request)))

    def compare(self, request: Request) -> Response:
        """``GET /compare?run=ID&run=ID``: the younger run against the older."""
        ids = dict.fromkeys(request.query_params.getlist("run"))
        if len(ids) != 2:
            raise UsageError("Tick exactly two runs in the list to compare them.")
        before, after = sorted((self.kept.record(one) for one in ids), key=lambda run: run.started)
        found = differences(before.environment, after.environment)
        document = build_change(between(before, after), before, after, found)
        return _sent(render_page(document, home="/"))

    def live(self, _request: Request) -> Response:
        """``GET /live``: the run that was started here."""
        active = self.runner.active
        if active is None:
            return RedirectResponse("/", HTTPStatus.SEE_OTHER)
        return _sent(live_page(active.title, "/live/events", may_cancel=not active.ended))

    async def live_events(self, request: Request) -> Response:
        """``GET /live/events``: the same as it happens."""
        active = self.runner.active
        if active is None:
            raise UsageError("No run was started here.")
        return _stream(follow_active(active, _last_id(request)))

    async def start(self, request: Request) -> Response:
        """``POST /start``: one of the offers."""
        form = await _form(request)
        quick = form.get("effort", "quick") != "full"
        await run_in_threadpool(self.runner.start, form.get("case", ""), quick=quick)
        return RedirectResponse("/live", HTTPStatus.SEE_OTHER)

    async def cancel(self, _request: Request) -> Response:
        """``POST /cancel``: as Ctrl-C; returns when everything has stopped."""
        if (active := self.runner.active) is not None:
            await run_in_threadpool(active.cancel)
        return RedirectResponse("/live", HTTPStatus.SEE_OTHER)


def build_app(site: Site, access: Access) -> ASGIApp:
    """The whole page behind its guard."""
    routes = [
        Route("/", site.runs),
        Route("/state", site.state),
        Route("/runs/{run}", site.run),
        Route("/runs/{run}/report", site.report),
        Route("/runs/{run}/events", site.run_events),
        Route("/compare", site.compare),
        Route("/live", site.live),
        Route("/live/events", site.live_events),
        Route("/start", site.start, methods=["POST"]),
        Route("/cancel", site.cancel, methods=["POST"]),
    ]
    app = Starlette(routes=routes)
    app.add_exception_handler(SynclineError, _on_error)
    app.add_exception_handler(HTTPException, _on_refusal)
    return Guard(app, access)


def _sent(page: Page, status: int = HTTPStatus.OK) -> Response:
    return HTMLResponse(page.html, status, {"content-security-policy": page.policy})


def _stream(events: AsyncIterator[bytes]) -> Response:
    return StreamingResponse(events, media_type="text/event-stream")


def _on_error(_request: Request, error: Exception) -> Response:
    absent = isinstance(error, UsageError)
    status = HTTPStatus.NOT_FOUND if absent else HTTPStatus.INTERNAL_SERVER_ERROR
    return _sent(error_page(str(error)), status)


def _on_refusal(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    page = _sent(error_page(f"{error.detail}."), error.status_code)
    page.headers.update(error.headers or {})
    return page


async def _form(request: Request) -> Mapping[str, str]:
    """The fields of a small form, each once."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _FORM_BYTES:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=16)
    return {name: values[0] for name, values in fields.items()}


def _last_id(request: Request) -> int:
    """Where a browser that lost its stream had been."""
    given = request.headers.get("last-event-id", "0")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 16 else 0
