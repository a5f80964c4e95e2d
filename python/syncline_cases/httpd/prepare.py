"""Something to serve: ``python -m syncline_cases.httpd.prepare FOLDER``; seeded."""

import os
import random
import sys
from pathlib import Path

INDEX_BYTES = 4096
LARGE_BYTES = 1_000_000
PAGES = 20
MODIFIED_S = 1_700_000_000  # seconds since the epoch, for every file
_WORDS = ("socket", "queue", "worker", "thread", "lock", "request", "answer", "header", "body")


def fill(folder: Path, seed: int = 1) -> None:
    """Writes the same files for the same seed; the index is exactly ``INDEX_BYTES`` long."""
    random_source = random.Random(seed)
    pages = folder / "pages"
    pages.mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text(_page(random_source, "Home", INDEX_BYTES))
    (folder / "style.css").write_text("body { font: 16px/1.5 sans-serif; margin: 2rem }\n")
    (folder / "large.bin").write_bytes(random_source.randbytes(LARGE_BYTES))
    (pages / "index.html").write_text(_page(random_source, "Pages", 1024))
    for number in range(1, PAGES + 1):
        page = _page(random_source, f"Page {number}", random_source.randint(512, 8192))
        (pages / f"{number}.html").write_text(page)
    for file in folder.rglob("*.*"):
        os.utime(file, (MODIFIED_S, MODIFIED_S))


def _page(random_source: random.Random, title: str, size: int) -> str:
    start = f'<!doctype html>\n<title>{title}</title>\n<link rel="stylesheet" href="/style.css">\n'
    text = start + "<p>"
    while len(text) < size:
        text += random_source.choice(_WORDS) + " "
    return text[: size - 1] + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m syncline_cases.httpd.prepare FOLDER")
    fill(Path(sys.argv[1]))
