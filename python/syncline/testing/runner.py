"""Runs what a test asks for: the fixture ``syncline`` is a :class:`Loader`."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import syncline_cases
from syncline.errors import MeasurementError, UsageError
from syncline.experiment import run_experiment
from syncline.experiment.tools import real_tools
from syncline.judge import blame
from syncline.record import RunRecord, Settings
from syncline.store import Store
from syncline.testing.asked import Defaults, Target
from syncline.testing.result import Findings, InvalidMeasurementWarning, Result
from syncline.testing.turns import turn
from syncline.trial import Case, Experiment, Trial

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncline.backends import Backend


class Loader:
    """Loads services within tests, one at a time.

    Attributes:
        defaults: what a run takes where the test does not say it.
    """

    def __init__(
        self,
        *,
        root: Path,
        defaults: Callable[[], Defaults] = Defaults,
        env: Mapping[str, str] | None = None,
        store: str | None = None,
        heard: Callable[[Result], None] = lambda _result: None,
    ) -> None:
        """
        Args:
            root: the folder that services are started in, unless a test says another.
            defaults: asked at each run, for each test has its own.
            env: of all services, such as where their modules are found.
            store: where runs are kept; None keeps none.
            heard: is told of each result, whatever the test then makes of it.
        """
        self._root, self._defaults, self._env = root, defaults, dict(env or {})
        self._store, self._heard = store, heard

    @property
    def defaults(self) -> Defaults:
        """What a run takes now where the test does not say it."""
        return self._defaults()

    def run(
        self,
        target: str | None = None,
        *,
        path: str | Sequence[str] = (),
        method: str | None = None,
        headers: Mapping[str, str] | None = None,
        command: str | None = None,
        url: str | None = None,
        python: str | None = None,
        working_dir: str | Path | None = None,
        config: str | Path | None = None,
        env: Mapping[str, str] | None = None,
        backends: Mapping[str, Backend] | None = None,
        variant: str | None = None,
        **load: object,
    ) -> Result:
        """Starts a service, loads it once, ends it, and says what came and why.

        Args:
            target: ``module:attribute`` or ``file.py:attribute``, ASGI or WSGI; or a case that
                ships. Without it the service is what ``command``, ``url`` or ``config`` (by
                default ``syncline.toml`` in the root folder) say.
            path: what is requested, one or several; by default what the service offers.
            backends: by environment variable, the server whose URL the service finds there:
                ``{"DATABASE_URL": syncline_postgres}``. It is observed during the load.
            load: ``connections``, ``duration`` (seconds), ``quick``, ``rate`` (requests per
                second), ``probe``; see :class:`Defaults`.

        Raises:
            UsageError: what is asked for cannot be.
            MeasurementError: nothing was measured: the service did not start, or the load
                engine failed.

        Warns:
            InvalidMeasurementWarning: the figures do not stand, through no fault of the service.
        """
        asked = self.defaults.over(load, "syncline.run")
        ships = target in syncline_cases.names()
        aimed = Target(
            word=target,
            paths=(path,) if isinstance(path, str) else tuple(path),
            method=method,
            headers=headers or {},
            command=command,
            url=url,
            python=None if python is None else str(self._root / python),
            working_dir=None if ships or url else str(self._root / (working_dir or "")),
            config=self._config(target, command, url, config),
            env={**({} if ships else self._env), **(env or {})},
            variant=variant,
            backends=backends or {},
        )
        with turn():
            case = aimed.case()
            record = self._measured(case, asked, aimed)
        return self._result(record)

    def _config(
        self, target: str | None, command: str | None, url: str | None, config: str | Path | None
    ) -> Path | None:
        if config is not None:
            return self._root / config
        if target or command or url:
            return None
        usual = self._root / "syncline.toml"
        if not usual.is_file():
            raise UsageError(
                f"syncline.run needs a service: name an application such as 'shop.main:app', give "
                f"command= or url=, or describe it in {usual}."
            )
        return usual

    def _measured(self, case: Case, asked: Defaults, target: Target) -> RunRecord:
        variant = case.variant(target.variant or case.default_variants[0])
        load = asked.load(case.quick_loads[0] if asked.quick else case.loads[0])
        experiment = Experiment(
            case.name, f"load {variant.name} within a test", (Trial(case.name, variant, load),)
        )
        with self._kept() as store:
            return run_experiment(
                case,
                experiment,
                store=store,
                backend_urls={one.name: one.url for one in target.backends.values()},
                settings=Settings(probe=asked.probe),
                tools=real_tools(probe=asked.probe, database=bool(case.backends)),
            )

    @contextmanager
    def _kept(self) -> Iterator[Store]:
        with (
            nullcontext(None) if self._store else tempfile.TemporaryDirectory("-syncline") as place,
            Store.open(self._store or Path(str(place)) / "runs.db") as store,
        ):
            yield store

    def _result(self, record: RunRecord) -> Result:
        if record.status == "interrupted":
            raise KeyboardInterrupt
        _, outcome = record.trials[0]
        if outcome.result is None:
            raise MeasurementError("\n".join(outcome.validity.reasons))
        result = Result(record, outcome, outcome.result, Findings(record.findings))
        self._heard(result)
        if blame(outcome) == "measurement":
            reasons = "; ".join(outcome.validity.reasons)
            warnings.warn(
                f"The measurement of {record.case.name} does not stand: {reasons}.",
                InvalidMeasurementWarning,
                stacklevel=3,
            )
        return result
