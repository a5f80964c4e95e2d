"""Does the diagnosis name the right cause? Every fault of the library and every twin, some times.

``python -m benchmarks.diagnosis``; ``--only NAME`` (a fault's name or a code, any number of
times), ``--runs N``. Writes ``benchmarks/results/diagnosis.md`` and ``.json``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.fault import Fault, Side
from tests.faults.registry import FAULTS
from tests.faults.running import Told, right, told

from benchmarks import machine
from syncline.errors import SynclineError

RESULTS = Path(__file__).with_name("results")
# What no valid measurement was made of can be told from nothing; each is tried so often again.
AGAIN = 2


@dataclass(frozen=True, slots=True)
class Run:
    """One side of one pair, once; ``failure`` if it could not be run at all.

    Attributes:
        again: how many runs before it were no valid measurement.
    """

    fault: Fault
    side: Side
    told: Told | None
    failure: str = ""
    again: int = 0

    @property
    def right(self) -> bool:
        """Whether the fault was named first, or the twin left alone."""
        return self.told is not None and right(self.fault, self.told)

    @property
    def named(self) -> str:
        """What stood first."""
        return self.told.named if self.told is not None else "not run"


def main() -> int:
    options = _options()
    chosen = [one for one in FAULTS if not options.only or {one.name, one.code} & {*options.only}]
    if not chosen:
        print(f"No fault is called {', '.join(options.only)}.", file=sys.stderr)
        return 2
    began = time.monotonic()
    runs = []
    for one in _all(chosen, options.runs):
        print(_line(one), flush=True)
        runs.append(one)
    took_s = time.monotonic() - began
    text = _report(runs, options.runs, took_s)
    print("\n" + text)
    if not options.only:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "diagnosis.md").write_text(text)
        (RESULTS / "diagnosis.json").write_text(json.dumps(_data(runs), indent=1) + "\n")
    return int(not all(one.right for one in runs))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", default=[], help="a fault's name, or a code")
    parser.add_argument("--runs", type=int, default=3, help="of each (3)")
    return parser.parse_args()


def _all(faults: Sequence[Fault], runs: int) -> Iterable[Run]:
    for fault in faults:
        for side in ("fault", "twin"):
            for _ in range(runs):
                yield _once(fault, "fault" if side == "fault" else "twin")


def _once(fault: Fault, side: Side) -> Run:
    for again in range(AGAIN + 1):
        try:
            found = told(fault, side)
        except SynclineError as error:
            return Run(fault, side, None, str(error), again)
        if not found.spoilt:
            break
    return Run(fault, side, found, again=again)


def _line(run: Run) -> str:
    mark = "right" if run.right else "WRONG"
    expected = run.fault.code if run.side == "fault" else "quiet"
    said = run.failure or ", ".join(
        f"{one.code} ({one.severity}, {one.confidence:.2f})"
        for one in (run.told.findings if run.told else ())
    )
    return f"{mark}  {run.fault.name:22} {run.side:5}  {expected:22} {said or 'nothing'}"


def _report(runs: Sequence[Run], times: int, took_s: float) -> str:
    faults = [one for one in runs if one.side == "fault"]
    twins = [one for one in runs if one.side == "twin"]
    lines = [
        "# Does the diagnosis name the right cause?",
        "",
        f"{sum(one.right for one in faults)} of {len(faults)} runs of services with a known fault "
        f"named it first; {sum(one.right for one in twins)} of {len(twins)} runs of their healthy "
        "twins raised no error and no warning.",
        "",
        f"Each of {len(faults) // times} services and its twin, {times} times in a row, by "
        f"`make bench-diagnosis` in {took_s / 60:.0f} minutes, on {datetime.now(UTC):%Y-%m-%d}.",
        "",
        *_spoilt(runs),
        *(f"- {name}: {value}" for name, value in machine.facts().items()),
        "",
        "## What was named first, by true cause",
        "",
        "| true cause | services | runs | named first |",
        "| --- | ---: | ---: | --- |",
    ]
    for code in dict.fromkeys(one.fault.code for one in faults):
        mine = [one for one in faults if one.fault.code == code]
        named = Counter(one.named for one in mine)
        said = ", ".join(f"{name} {count}" for name, count in named.most_common())
        lines.append(
            f"| `{code}` | {len({one.fault.name for one in mine})} | {len(mine)} | {said} |"
        )
    lines += ["", "## Services and twins", "", *_services(runs)]
    return "\n".join(lines) + "\n"


def _spoilt(runs: Sequence[Run]) -> list[str]:
    times = sum(one.again for one in runs)
    if not times:
        return []
    return [
        f"{times} runs were made again, because by the trial's own judgement the machine had kept "
        "the load generator from running.",
        "",
    ]


def _services(runs: Sequence[Run]) -> Iterable[str]:
    yield "| service | true cause | named first | its twin's findings |"
    yield "| --- | --- | --- | --- |"
    for fault in dict.fromkeys(one.fault.name for one in runs):
        mine = [one for one in runs if one.fault.name == fault]
        named = Counter(one.named for one in mine if one.side == "fault")
        quiet = Counter(
            f"{found.code} ({found.severity})"
            for one in mine
            if one.side == "twin" and one.told is not None
            for found in one.told.findings
        )
        first = ", ".join(f"{name} {count}" for name, count in named.most_common())
        other = ", ".join(f"{name} {count}" for name, count in quiet.most_common())
        yield f"| {fault} | `{mine[0].fault.code}` | {first} | {other} |"


def _data(runs: Sequence[Run]) -> list[dict[str, object]]:
    return [
        {
            "service": one.fault.name,
            "app": one.fault.app,
            "server": one.fault.server,
            "side": one.side,
            "true_cause": one.fault.code if one.side == "fault" else None,
            "right": one.right,
            "failure": one.failure or None,
            "findings": [
                {
                    "code": found.code,
                    "severity": found.severity,
                    "confidence": found.confidence,
                    "summary": found.summary,
                    "consequences": list(found.consequences),
                }
                for found in (one.told.findings if one.told else ())
            ],
        }
        for one in runs
    ]


if __name__ == "__main__":
    sys.exit(main())
