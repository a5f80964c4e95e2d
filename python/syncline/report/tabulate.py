"""Tables as aligned lines: group titles above columns, cells that span, breaks between groups.

Written here and not left to rich's Table, which knows neither groups nor spans, and which
squeezes figures to ``1,3…`` where it lacks room.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from syncline.report import clean
from syncline.report.document import Cell, Column, Table, Tone

STYLES: Mapping[Tone, str] = {
    "normal": "default",
    "strong": "bold",
    "dim": "bright_black",
    "good": "green",
    "warn": "yellow",
    "bad": "bold red",
}
_GAP = 2
_GROUP_GAP = 3
_LONGEST = 60
_SHORTEST = 16


@dataclass(frozen=True, slots=True)
class _Layout:
    """Widths of all columns, and the gap before each when groups are ``group_gap`` apart."""

    columns: tuple[Column, ...]
    widths: tuple[int, ...]
    group_gap: int

    def gap(self, part: Sequence[int], index: int) -> int:
        place = part.index(index)
        if place == 0:
            return 0
        before = self.columns[part[place - 1]]
        return _GAP if before.group == self.columns[index].group else self.group_gap

    def extent(self, part: Sequence[int], indices: Sequence[int]) -> int:
        inner = sum(self.gap(part, index) for index in indices[1:])
        return inner + sum(self.widths[index] for index in indices)


def tabulate(table: Table, width: int) -> Iterator[Text]:
    """The table's lines within ``width``; a table too wide is continued below itself."""
    layout, parts = _laid_out(table, width)
    for number, part in enumerate(parts):
        if number:
            yield Text("")
        if any(table.columns[index].group for index in part):
            yield _group_line(layout, part, width)
        yield _title_line(layout, part)
        for row in table.rows:
            yield _row_line(layout, part, row, width)


def _laid_out(table: Table, width: int) -> tuple[_Layout, list[list[int]]]:
    """Groups well apart if that costs no break, else closer."""
    roomy, tight = (
        _shrunk(_Layout(table.columns, _widths(table, gap), gap), width)
        for gap in (_GROUP_GAP, _GAP)
    )
    roomy_parts, tight_parts = _parts(roomy, width), _parts(tight, width)
    if len(tight_parts) < len(roomy_parts):
        return tight, tight_parts
    return roomy, roomy_parts


def _group_line(layout: _Layout, part: Sequence[int], room: int) -> Text:
    line = Text()
    for name, members in groupby(part, key=lambda index: layout.columns[index].group):
        indices = list(members)
        line.append(" " * layout.gap(part, indices[0]))
        title = clean.plain(name)
        if indices[-1] != part[-1]:  # the last one may go beyond its columns
            title = set_cell_size(title, layout.extent(part, indices))
        line.append(title, style="bold")
    line.rstrip()
    line.truncate(room, overflow="ellipsis")
    return line


def _title_line(layout: _Layout, part: Sequence[int]) -> Text:
    line = Text()
    for index in part:
        column = layout.columns[index]
        line.append(" " * layout.gap(part, index))
        title = _aligned(clean.plain(column.title), layout.widths[index], column.align)
        line.append(title, style="underline")
    return line


def _row_line(layout: _Layout, part: Sequence[int], row: Sequence[Cell], room: int) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis")
    start = 0
    for cell in row:
        indices = [index for index in range(start, start + cell.span) if index in part]
        start += cell.span
        if not indices:
            continue
        column = layout.columns[indices[0]]
        line.append(" " * layout.gap(part, indices[0]))
        tone = column.tone if cell.tone == "normal" else cell.tone
        text = _aligned(_cell_text(cell), layout.extent(part, indices), column.align)
        line.append(text, style=STYLES[tone])
    line.rstrip()
    line.truncate(room, overflow="ellipsis")
    return line


def _widths(table: Table, group_gap: int) -> tuple[int, ...]:
    widths = [cell_len(clean.plain(column.title)) for column in table.columns]
    wide: list[tuple[range, int]] = []
    for row in table.rows:
        start = 0
        for cell in row:
            needed = cell_len(_cell_text(cell))
            if not table.columns[start].shrinks:
                needed = min(_LONGEST, needed)
            if cell.span == 1:
                widths[start] = max(widths[start], needed)
            else:
                wide.append((range(start, start + cell.span), needed))
            start += cell.span
    everything = range(len(table.columns))
    for name, members in groupby(everything, key=lambda index: table.columns[index].group):
        indices = list(members)
        if name:
            wide.append((range(indices[0], indices[-1] + 1), cell_len(clean.plain(name))))
    for place, needed in wide:
        have = _Layout(table.columns, tuple(widths), group_gap).extent(everything, place)
        widths[place[0]] += max(0, needed - have)
    return tuple(widths)


def _shrunk(layout: _Layout, room: int) -> _Layout:
    """The layout with its shrinking columns as narrow as the room makes necessary."""
    everything = range(len(layout.columns))
    widths = list(layout.widths)
    for index in everything:
        if layout.columns[index].shrinks:
            excess = layout.extent(everything, everything) - room
            widths[index] = max(min(widths[index], _SHORTEST), widths[index] - max(0, excess))
            layout = replace(layout, widths=tuple(widths))
    return layout


def _parts(layout: _Layout, room: int) -> list[list[int]]:
    """The columns of each part: keys first, then as many groups as fit; of a group that is too
    wide by itself, as many columns."""
    columns = layout.columns
    keys = [index for index, column in enumerate(columns) if column.key]
    rest = [index for index, column in enumerate(columns) if not column.key]
    parts = [list(keys)]
    broken = False  # whether the last group was: its title may need the room beside it
    for name, members in groupby(rest, key=lambda index: columns[index].group):
        whole = list(members)
        alone = [*keys, *whole]
        together = bool(name) and layout.extent(alone, alone) <= room
        if broken:
            parts.append(list(keys))
        broken = bool(name) and not together
        for indices in [whole] if together else [[index] for index in whole]:
            wider = parts[-1] + indices
            if len(parts[-1]) > len(keys) and layout.extent(wider, wider) > room:
                parts.append([*keys, *indices])
            else:
                parts[-1] = wider
    return parts


def _cell_text(cell: Cell) -> str:
    text = clean.plain(cell.text)
    # One-letter units get a second place, so that the digits above and below stay in line.
    return text + " " if cell.kind == "duration_us" and text.endswith(" s") else text


def _aligned(text: str, width: int, align: str) -> str:
    missing = width - cell_len(text)
    if missing < 0:
        return set_cell_size(text, width - 1) + "…"
    return " " * missing + text if align == "right" else text + " " * missing
