"""What the command line changes in a case: its settings, its database, its servers.

Each function takes a case and returns another one, as if it had been written so.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from syncline.errors import EnvironmentLackError, UsageError
from syncline.judge import faulty_variants
from syncline.trial import Case, Loop, Server, Variant


@dataclass(frozen=True, slots=True)
class Serving:
    """How applications are served; what is empty stays as each variant has it."""

    servers: tuple[Server, ...] = ()
    workers: tuple[int, ...] = ()
    loops: tuple[Loop, ...] = ()


def with_settings(case: Case, names: Sequence[str], given: Iterable[tuple[str, str]]) -> Case:
    """The case with these settings in all its variants; of two for one name the later counts.

    Args:
        names: the variants that are to run: none may be made by another value of its own.

    Raises:
        UsageError: the case has no such setting; the message lists those it has.
    """
    settings = {name.lower().replace("-", "_"): value for name, value in given}
    for name, value in settings.items():
        if name not in case.settings:
            known = "; ".join(f"{known}: {meaning}" for known, meaning in case.settings.items())
            raise UsageError(
                f"{case.name} has no setting {name!r}; "
                + (f"it has: {known}." if known else "it has none.")
            )
        for variant in map(case.variant, names):
            if variant.settings.get(name, value) != value:
                raise UsageError(
                    f"{variant.name} is what it is by {name}={variant.settings[name]}; "
                    f"leave out --set {name}={value}, or choose other variants with --variant."
                )
    if not settings:
        return case
    variants = tuple(
        replace(variant, settings={**settings, **variant.settings}) for variant in case.variants
    )
    words = ", ".join(f"{name}={value}" for name, value in settings.items())
    return replace(case, variants=variants, title=f"{case.title}; here with {words}")


def on_database(case: Case, asked: str | None, urls: Mapping[str, str]) -> Case:
    """The case on the database that was asked for, by name or by the scheme of a URL.

    Raises:
        UsageError: the case cannot run on it, or name and URL contradict each other.
    """
    if asked is not None and asked not in case.databases:
        can = ", ".join(case.databases)
        raise UsageError(
            f"{case.name} cannot run on {asked}; it can on: {can}."
            if can
            else f"{case.name} has no database."
        )
    wanted = dict.fromkeys(
        (*((asked,) if asked else ()), *(name for name in case.databases if name in urls))
    )
    if len(wanted) > 1:
        raise UsageError(
            f"{case.name} runs on one database, and --database and --database-url name "
            f"{' and '.join(wanted)}; give one."
        )
    chosen = next(iter(wanted), None)
    if chosen is None or chosen == case.databases[0]:
        return case
    usual = case.databases[0]
    return replace(
        case,
        backends=tuple(chosen if name == usual else name for name in case.backends),
        variants=tuple(_moved(variant, usual, chosen) for variant in case.variants),
        title=f"{case.title}; here on {chosen}",
    )


def _moved(variant: Variant, usual: str, chosen: str) -> Variant:
    """The variant on another database: named even if it needs no settings, as part of what is
    asked."""
    others = {name: value for name, value in variant.backends.items() if name != usual}
    return replace(variant, backends={**others, chosen: others.get(chosen, {})})


def served_by(case: Case, names: Sequence[str], serving: Serving) -> tuple[Case, tuple[str, ...]]:
    """The case with a variant for each of these and each way to serve it, and their names.

    What is known of a variant's failing is taken over: a server does not mend it.

    Raises:
        UsageError: a variant is no application, or has arguments for one server only.
        EnvironmentLackError: a server or a loop is not installed.
    """
    if serving == Serving():
        return case, tuple(names)
    if not any(case.variant(name).python for name in names):
        _check_installed(serving)
    made: dict[str, Variant] = {}
    faulty = []
    for variant in map(case.variant, names):
        _check_app(case, variant, serving)
        for server, workers, loop in product(
            serving.servers or (None,), serving.workers or (None,), serving.loops or (None,)
        ):
            new = _served(variant, server, workers, loop)
            made[new.name] = new
            if variant.name in faulty_variants(case):
                faulty.append(new.name)
    changed = replace(
        case, variants=(*case.variants, *made.values()), faulty=(*case.faulty, *faulty)
    )
    return changed, tuple(made)


def _served(
    variant: Variant, server: Server | None, workers: int | None, loop: Loop | None
) -> Variant:
    parts = [server, f"w{workers}" if workers else None, loop]
    words = [
        server,
        f"{workers} worker{'s' if workers > 1 else ''}" if workers else None,
        f"loop {loop}" if loop else None,
    ]
    return replace(
        variant,
        name=f"{variant.name}@{'-'.join(part for part in parts if part)}",
        title=", ".join(word for word in (variant.title, *words) if word),
        server=server or variant.server,
        workers=workers or variant.workers,
        loop=loop or variant.loop,
    )


def _check_app(case: Case, variant: Variant, serving: Serving) -> None:
    if variant.app is None:
        raise UsageError(
            f"{case.name}'s variant {variant.name} is a server of its own, so --server, "
            "--workers and --loop do not apply to it."
        )
    if variant.server_args and set(serving.servers) - {variant.server}:
        raise UsageError(
            f"{case.name}'s variant {variant.name} has arguments for {variant.server} "
            f"({' '.join(variant.server_args)}), so it cannot be run by another server."
        )


def _check_installed(serving: Serving) -> None:
    for name in (*serving.servers, *(loop for loop in serving.loops if loop == "uvloop")):
        if importlib.util.find_spec(name) is None:
            raise EnvironmentLackError(f"{name} is not installed; install it: pip install {name}.")
