"""How noisy the machine is before a run: others' work, stolen time, frequency, a timed loop."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from syncline.record import Noise

MEASURE_S = 0.6
_LAP_S = 0.005
_FREQUENCY = "/sys/devices/system/cpu/cpu{}/cpufreq/scaling_cur_freq"


def measure_noise(over_s: float = MEASURE_S) -> Noise:
    """Watches the machine for that long while a loop of known work is timed again and again.

    The loop shows what counters may hide: laps that take longer than the shortest were disturbed,
    by another process on the core, by the hypervisor, or by a change of frequency.
    """
    before, own_s = _ticks(), time.process_time()
    laps = _laps(over_s)
    after, own_s = _ticks(), time.process_time() - own_s
    steal = others = None
    if before and after:
        used = [new - old for old, new in zip(before, after, strict=True)]
        if (whole := sum(used)) > 0:
            # user nice system idle iowait irq softirq steal (proc_stat(5))
            steal = used[7] / whole
            busy = (whole - used[3] - used[4] - used[7]) / whole
            ours = own_s * os.sysconf("SC_CLK_TCK") / whole
            others = max(0.0, busy - ours)
    return Noise(
        others_share=_rounded(others),
        steal_share=_rounded(steal),
        loop_spread=_rounded(loop_spread(laps)),
        frequency_mhz=_frequencies(),
        measured_s=over_s,
    )


def loop_spread(laps: Sequence[float]) -> float | None:
    """How much longer than the shortest lap the middle one took, as a share; None without any."""
    shortest = min(laps, default=0.0)
    return median(laps) / shortest - 1 if shortest > 0 else None


def _laps(over_s: float, clock: Callable[[], float] = time.perf_counter) -> list[float]:
    rounds = 1000
    while (took_s := _lap(rounds, clock)) < _LAP_S:
        rounds = 2 * rounds if took_s <= 0 else max(2 * rounds, int(rounds * _LAP_S / took_s))
    laps: list[float] = []
    end = clock() + over_s
    while not laps or clock() < end:
        laps.append(_lap(rounds, clock))
    return laps


def _lap(rounds: int, clock: Callable[[], float]) -> float:
    began, number = clock(), 1
    for _ in range(rounds):
        number = (number * 1103515245 + 12345) & 0x7FFFFFFF
    return clock() - began


def _ticks() -> list[int]:
    """Of all processors together; empty where there is no ``/proc/stat``."""
    try:
        line = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0]
    except (OSError, UnicodeDecodeError):
        return []
    words = line.split()[1:9]
    return [int(word) for word in words] if len(words) == 8 else []


def _frequencies() -> tuple[float, float] | None:
    """The lowest and the highest of this process's cores, in MHz; None if the kernel hides it."""
    found = []
    for core in os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ():
        try:
            found.append(int(Path(_FREQUENCY.format(core)).read_text(encoding="ascii")) / 1000)
        except (OSError, ValueError):
            return None
    return (min(found), max(found)) if found else None


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)
