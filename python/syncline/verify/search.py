"""The search for proof: which trials are to show what a fix does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from syncline.diagnosis import diagnose
from syncline.errors import SynclineError
from syncline.finding import Code, Finding, Severity
from syncline.search import Measured, Search
from syncline.trial import Experiment, Load, Trial, Variant, with_duration
from syncline.verify.design import Design, Effort, Task, design
from syncline.verify.symptoms import broke, counts, shows
from syncline.whatif import imposed

# The grave ones get more of the time.
_WEIGHTS: Mapping[Severity, int] = {"error": 4, "warning": 2, "info": 1}
# Times the time foretold, beyond which a proof is left at what it has.
_OVERRUN = 1.5
_WARMUP = 0.2  # of a trial's time
_WELL_ABOVE = (
    1.25  # times the bound: under a steady load a standstill is a matter of chance near it
)


def proven(sweep: Search[Measured], effort: Effort | None) -> Search[None]:
    """A sweep, and then the proof of what is found in it.

    Args:
        sweep: returns all that it measured.
        effort: None for no proof.
    """
    measured = yield from sweep
    if effort is not None:
        yield from verification(diagnose(measured), measured, effort)


def verification(
    findings: Sequence[Finding], measured: Measured, effort: Effort
) -> Search[tuple[Finding, ...]]:
    """Trials of each root finding's fix beside the original, as far as the time goes.

    Each code is tried in one variant before any in a second: it is the same fix.

    Args:
        measured: the sweep in which they were found.

    Returns:
        the findings that were tried.
    """
    cases = list(_cases(findings, measured))[: effort.most]
    left_s, tried = effort.budget_s, []
    for number, one in enumerate(cases):
        weights = [_WEIGHTS[case.finding.severity] for case in cases[number:]]
        chosen = design(one.task, left_s * weights[0] / sum(weights), once=effort.once)
        if chosen is None:
            continue
        answers = yield one.experiment(chosen)
        spent_s = max(chosen.cost_s, _took_s(answers))
        left_s -= spent_s
        # On a machine so slow, another round would cost more than the user was told.
        left = int((_OVERRUN * chosen.cost_s - spent_s) / (2 * spent_s / max(1, len(answers))))
        if left > 0 and (made_up := one.made_up(answers, left)):
            yield made_up
        tried.append(one.finding)
    return tuple(tried)


def _took_s(answers: Measured) -> float:
    """From the first trial's start to the last one's end."""
    starts = [datetime.fromisoformat(outcome.started) for _, outcome in answers]
    if not starts:
        return 0.0
    return (max(starts) - min(starts)).total_seconds() + answers[-1][0].load.duration_s


def question(finding: Finding) -> str:
    """By what a finding's trials are known again: :attr:`syncline.trial.Trial.about`."""
    return f"{finding.code} of {finding.variant}"


@dataclass(frozen=True, slots=True)
class _Case:
    """A finding with what is to be compared."""

    finding: Finding
    settings: Mapping[str, str]
    original: Trial
    fixed: Variant
    lighter: Load | None
    above: Load | None
    breaks: bool

    @property
    def task(self) -> Task:
        return Task(
            breaks=self.breaks,
            lighter=self.lighter is not None,
            above=self.above is not None,
            alone=self.alone,
            longest_s=self.original.load.duration_s,
            workers=self.original.variant.workers,
        )

    @property
    def alone(self) -> bool:
        """What an idle service keeps of the database's connections is what this is about."""
        return self.finding.code == "connection-budget"

    def made_up(self, answers: Measured, most: int) -> Experiment | None:
        """Another pair, once, for each of which a trial was no measurement, ``most`` at the most
        and those under the load that broke first; None if none was."""
        paired = {t.load for t, _ in answers if t.variant == self.original.variant}
        spoilt = dict.fromkeys(
            (trial.load, trial.repeat)
            for trial, outcome in answers
            if trial.load in paired and not counts(outcome)
        )
        # A service that did not start will not do so now.
        started = {trial.variant.name for trial, outcome in answers if outcome.result is not None}
        if not spoilt or started != {self.original.variant.name, self.fixed.name}:
            return None
        beyond = 1 + max(trial.repeat for trial, _ in answers)
        heaviest = sorted(spoilt, key=lambda one: one[0].connections, reverse=True)[:most]
        trials = [
            trial
            for load, number in sorted(heaviest, key=lambda one: one[0].connections)
            for trial in self._pair(load, beyond + number)
        ]
        return Experiment(
            self.original.case,
            f"Proof for {question(self.finding)}: again, for what was no valid measurement",
            tuple(trials),
            alone=self.alone,
        )

    def experiment(self, chosen: Design) -> Experiment:
        """The trials, lightest load first: a service that broke must be started again.

        Each pair has its seed, and every other pair begins with the fixed one.
        """
        trials: list[Trial] = []
        where: list[str] = []
        if self.lighter is not None and chosen.lighter_pairs:
            lighter = _short(self.lighter, chosen.lighter_s)
            trials += self._pairs(lighter, chosen.lighter_pairs)
            where.append(str(lighter.connections))
        load = _short(self.original.load, chosen.duration_s)
        trials += self._pairs(load, chosen.pairs)
        where.append(str(load.connections))
        if self.above is not None:
            above = _short(self.above, chosen.duration_s)
            trials.append(self._trial(self.fixed, above, 0))
            where.append(str(above.connections))
        settings = ", ".join(f"{k}={v}" for k, v in self.settings.items())
        return Experiment(
            self.original.case,
            f"Proof for {question(self.finding)}: {settings} imposed, at {' and '.join(where)} "
            "connections",
            tuple(trials),
            alone=self.alone,
        )

    def _pairs(self, load: Load, pairs: int) -> Iterator[Trial]:
        for number in range(pairs):
            yield from self._pair(load, number)

    def _pair(self, load: Load, number: int) -> Iterator[Trial]:
        both = (self.original.variant, self.fixed)
        for variant in both if number % 2 == 0 else reversed(both):
            yield self._trial(variant, load, number)

    def _trial(self, variant: Variant, load: Load, number: int) -> Trial:
        return replace(
            self.original,
            variant=variant,
            load=load,
            repeat=number,
            seed=self.original.seed + number,
            phase="verification",
            about=question(self.finding),
        )


def _cases(findings: Sequence[Finding], measured: Measured) -> Iterator[_Case]:
    """Of each code first the finding that shows most, as grave as any; then the others."""
    clearest: dict[Code, Finding] = {}
    for one in sorted(findings, key=lambda one: _strength(one, measured), reverse=True):
        clearest.setdefault(one.code, one)
    for one in sorted(findings, key=lambda one: clearest[one.code] is not one):
        if (found := _case(one, measured)) is not None:
            yield found


def _strength(one: Finding, measured: Measured) -> tuple[int, int, float]:
    """How grave, under how many loads the service broke, and how many times its bound the first
    evidence is."""
    weight, broken = _WEIGHTS[one.severity], len(_broken(one, measured))
    for seen in one.evidence[:1]:
        if isinstance(seen.value, float | int) and isinstance(seen.threshold, float | int):
            return weight, broken, seen.value / seen.threshold if seen.threshold else 0.0
    return weight, broken, 0.0


def _there(finding: Finding, measured: Measured) -> Measured:
    """The trials of its variant under the load for which it is told, and those beyond it."""
    return tuple(
        (trial, outcome)
        for trial, outcome in measured
        if trial.variant.name == finding.variant
        and trial.load.connections >= finding.level
        and finding.load in ("", trial.load.name)
    )


def _broken(finding: Finding, measured: Measured) -> Measured:
    """Those of them that broke by it, lightest first; none if it did not at its own."""
    there = sorted(_there(finding, measured), key=lambda pair: pair[0].load.connections)
    found = tuple(pair for pair in there if broke(pair[1]) and shows(finding, *pair))
    return found if found and found[0][0].load.connections == finding.level else ()


def _case(finding: Finding, measured: Measured) -> _Case | None:
    mine = [pair for pair in measured if pair[0].variant.name == finding.variant]
    there = [
        pair for pair in _there(finding, measured) if pair[0].load.connections == finding.level
    ]
    if not there or finding.fix is None or not finding.fix.what_if:
        return None
    original, outcome = next((pair for pair in there if shows(finding, *pair)), there[0])
    if broke(outcome):
        # Where it first broke, it may have done so by chance; the heaviest load is the surest.
        heavier = [p for p in _broken(finding, measured) if p[0].load.name == original.load.name]
        original, outcome = heavier[-1] if heavier else (original, outcome)
    try:
        fixed = imposed(original.variant, finding.fix.what_if)
    except SynclineError:
        return None  # another server, another kind of service: what-ifs have their own limits
    loads = [trial.load for trial, _ in mine if trial.load.name == original.load.name]
    lighter = [load for load in loads if load.connections < finding.level]
    above = None
    if finding.fix.bound is not None:
        above = replace(original.load, connections=round(_WELL_ABOVE * finding.fix.bound))
    return _Case(
        finding=finding,
        settings=finding.fix.what_if,
        original=original,
        fixed=fixed,
        lighter=max(lighter, key=lambda load: load.connections, default=None),
        above=above,
        breaks=broke(outcome),
    )


def _short(load: Load, duration_s: float) -> Load:
    duration_s = round(duration_s, 2)
    return replace(with_duration(load, duration_s), warmup_s=round(_WARMUP * duration_s, 2))
