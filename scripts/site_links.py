"""A hook of MkDocs: links out of ``docs/`` lead to the repository's files, inside the site.

In the repository a page links to ``../benchmarks/results/engine.md`` as it would anywhere; a site
holds only ``docs/``. Every file that is linked to, and what that links to in turn, is therefore
made part of the site below ``repository/``, so that no link leaves it and each is checked.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
DOCS, OUTSIDE = "docs/", "repository/"
ALWAYS = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
RESULTS = "benchmarks/results"
_CODE = re.compile(r"(^```.*?^```|`[^`\n]*`)", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(?<=\]\()(?!#|[a-z]+:)([^)\s#]+)(#[^)\s]*)?(?=\))")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add what the pages link to, and an index of the measurements."""
    index = f"{RESULTS}/README.md"
    files.append(File.generated(config, OUTSIDE + index, content=_index()))
    waiting = [*ALWAYS, *(path for path, _ in _measurements())]
    waiting += [_in_repository(page.src_uri) for page in files.documentation_pages()]
    seen = {index}
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        if not path.startswith(DOCS):
            source = str(ROOT / path)
            files.append(File.generated(config, OUTSIDE + path, abs_src_path=source))
        if path.endswith(".md"):
            waiting += _targets(path)
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point the links of a page to where the files are in the site."""
    del config, files
    here = page.file.src_uri

    def lead(found: re.Match[str]) -> str:
        path = _resolved(found[1], _in_repository(here))
        return posixpath.relpath(_in_site(path), posixpath.dirname(here)) + (found[2] or "")

    return _outside_code(markdown, lambda text: _LINK.sub(lead, text))


def _targets(path: str) -> Iterator[str]:
    text = _CODE.sub("", (ROOT / path).read_text(encoding="utf-8"))
    for found in _LINK.finditer(text):
        yield _resolved(found[1], path)


def _resolved(target: str, page: str) -> str:
    """The file that a link of ``page`` means, from the repository's root.

    Raises:
        PluginError: there is none.
    """
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), target))
    if path == RESULTS:
        return f"{RESULTS}/README.md"
    if path.startswith("..") or not ((ROOT / path).is_file() or path == f"{RESULTS}/README.md"):
        raise PluginError(f"{page} links to {target}, and there is no such file.")
    return path


def _in_repository(src_uri: str) -> str:
    outside = src_uri.startswith(OUTSIDE)
    return src_uri.removeprefix(OUTSIDE) if outside else DOCS + src_uri


def _in_site(path: str) -> str:
    return path.removeprefix(DOCS) if path.startswith(DOCS) else OUTSIDE + path


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    parts = _CODE.split(text)
    return "".join(part if number % 2 else change(part) for number, part in enumerate(parts))


def _measurements() -> list[tuple[str, str]]:
    """The pages of measurements, each with its title."""
    pages = sorted((ROOT / RESULTS).glob("*.md"))
    return [(f"{RESULTS}/{page.name}", page.read_text(encoding="utf-8")) for page in pages]


def _index() -> str:
    lines = [
        f"- [{text.partition(chr(10))[0].lstrip('# ')}]({posixpath.basename(path)})"
        for path, text in _measurements()
    ]
    return "# Measurements of Syncline\n\n" + "\n".join(lines) + "\n"
