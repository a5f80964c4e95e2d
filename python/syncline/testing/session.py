"""What one test session loaded, and the files and words that come of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from syncline.cli import files
from syncline.report.html import render_html
from syncline.report.markdown import render_markdown
from syncline.report.run_report import build_report
from syncline.testing import rows
from syncline.testing.result import Result

INDEX = "index"


class Session:
    """Hears of each load in this process, and takes in what other processes heard.

    Attributes:
        rows: a row for each load, in the order in which they ended.
    """

    def __init__(self, folder: Path | None) -> None:
        """Args: ``folder``: where reports go; None writes none."""
        self.rows: list[rows.Row] = []
        self._folder = folder
        self._numbers: Counter[str] = Counter()

    def heard(self, test: str, result: Result) -> None:
        """A load has ended; its own report is written at once, so that a crash leaves it."""
        page = ""
        if self._folder is not None:
            self._numbers[test] += 1
            page = rows.page_name(test, self._numbers[test])
            files.make_directory(str(self._folder), "--syncline-report")
            document = build_report(result.record)
            files.write_text(self._folder / f"{page}.html", render_html(document))
            files.write_text(self._folder / f"{page}.md", render_markdown(document))
        self.rows.append(rows.row_of(test, result, page))

    def packed(self) -> list[Any]:
        """The rows as JSON, for the process that started this one."""
        return rows.packed(self.rows)

    def take_in(self, packed: Sequence[Any]) -> None:
        """Adds the rows of another process."""
        self.rows += rows.unpacked(packed)

    def finish(self) -> Path | None:
        """Writes the report of all loads; the page's path, or None if there is nothing to write."""
        if self._folder is None or not self.rows:
            return None
        files.make_directory(str(self._folder), "--syncline-report")
        document = rows.session_document(self.rows)
        page = self._folder / f"{INDEX}.html"
        files.write_text(page, render_html(document))
        files.write_text(page.with_suffix(".md"), render_markdown(document))
        return page

    def lines(self) -> list[str]:
        """The loads for a terminal."""
        return rows.lines(self.rows)
