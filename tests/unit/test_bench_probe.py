"""What ``bench-probe`` concludes from its rounds, and the half speed of the probe's clock there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from benchmarks import half_speed
from benchmarks.probe_report import FIGURES, probe_markdown

from syncline.observe.probe import ProbeReader

HALF_SPEED = Path(next(iter(half_speed.__path__)))


def rounds(*ratios: float) -> list[dict[str, dict[str, float]]]:
    figures = [figure for _, figure, _ in FIGURES]
    return [
        {
            "without": dict.fromkeys(figures, 100.0),
            "with": dict.fromkeys(figures, 100.0 * ratio),
            "ratio": dict.fromkeys(figures, ratio),
            "turns": {"cpu_share": 0.005},
        }
        for ratio in ratios
    ]


def verdict(*ratios: float) -> str:
    service: dict[str, Any] = {
        "title": "some",
        "connections": 12,
        "budget": 0.02,
        "duration_s": 5.0,
        "rounds": rounds(*ratios),
    }
    report = {"command": "some", "machine": {}, "warm_s": 3.0, "services": [service]}
    return probe_markdown(report).splitlines()[-1]


@pytest.mark.parametrize(
    ("ratios", "says"),
    [
        ((1.010, 1.012, 1.011), "Budget: 2%. Within it: 0.8% to 1.3% of the CPU"),
        ((1.040, 1.042, 1.041), "Budget: 2%. Over it: 3.7% to 4.2% of the CPU"),
        ((1.000, 1.020, 1.040), "Budget: 2%. Not decided by these rounds: -2.9% to 6.6%"),
        ((1.010,), "Budget: 2%. One round says nothing about it."),
    ],
)
def test_a_verdict_is_that_of_the_whole_interval(ratios: tuple[float, ...], says: str) -> None:
    assert verdict(*ratios).startswith(says)


SHOWN = """
import sys
print(*(sys.modules["syncline_probe." + part].TICK_S for part in ("sampler", "board"))
    if "syncline_probe" in sys.modules else ["none"])
"""


def run(source: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", source],
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )


def test_the_clock_of_an_armed_probe_has_half_its_speed(tmp_path: Path) -> None:
    own = {"PYTHONPATH": str(HALF_SPEED)}
    with ProbeReader(tmp_path) as reader:
        armed = run(SHOWN, **own | reader.env(own))
    slow_s, real_s = map(float, armed.stdout.split())
    assert (slow_s, armed.stderr) == (2 * real_s, "")
    assert run(SHOWN, **own).stdout == "none\n", "nothing of the probe is imported for it"


def test_a_period_of_the_probe_that_is_gone_ends_the_service() -> None:
    source = (
        "import runpy, syncline_probe.stretches as stretches\n"
        "del stretches._REST_S\n"
        f"runpy.run_path({str(HALF_SPEED / 'sitecustomize.py')!r})\n"
        "print('it went on')\n"
    )
    ended = run(source)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "half_speed: the probe has changed" in ended.stderr
    assert "_REST_S" in ended.stderr
