"""Variants with what-ifs, and whether what was imposed on them took."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import cast

from syncline.errors import UsageError
from syncline.outcome import Observation
from syncline.trial import Loop, Server, Variant
from syncline.whatif.catalogue import CATALOGUE, DATABASES, By, Settings, checked

KIND = "what-if"  # of the observations that say what was imposed


def imposed(variant: Variant, settings: Settings) -> Variant:
    """The variant with these settings imposed on it; on one that has what-ifs, in addition.

    It is named after both: ``sync+pool_size=50,tokens=100``. What was imposed stands in its
    ``what_ifs``; server, workers and loop are set as well, where reports look for them.

    Raises:
        UsageError: a setting is not in the catalogue, or cannot be imposed on this variant; the
            message says why.
    """
    merged = checked({**variant.what_ifs, **checked(settings)})
    if not merged:
        return variant
    _check_possible(variant, merged)
    label = label_of(merged)
    old = label_of(variant.what_ifs)
    return replace(
        variant,
        name=f"{base_name(variant)}+{label}",
        title=f"{variant.title.removesuffix(', what if ' + old)}, what if {label}".lstrip(", "),
        server=cast("Server", merged.get("server", variant.server)),
        workers=int(merged.get("workers", variant.workers)),
        loop=cast("Loop", merged.get("loop", variant.loop)),
        what_ifs=merged,
    )


def label_of(settings: Settings) -> str:
    """``pool_size=50,tokens=100``; in the catalogue's order, however they are kept."""
    return ",".join(f"{name}={settings[name]}" for name in CATALOGUE if name in settings)


def base_name(variant: Variant) -> str:
    """The name of the variant that the what-ifs were imposed on; its own without any."""
    return variant.name.removesuffix(f"+{label_of(variant.what_ifs)}")


def asked_of(variant: Variant, by: By) -> dict[str, str]:
    """The variant's what-ifs that are imposed by this means."""
    return {name: value for name, value in variant.what_ifs.items() if CATALOGUE[name].by == by}


def backend_settings(variant: Variant, backend: str) -> dict[str, str]:
    """What the variant asks of a back end: its own settings, and what-ifs over them."""
    own = dict(variant.backends.get(backend, {}))
    return own | asked_of(variant, "back end") if backend in DATABASES else own


def environment(variant: Variant) -> dict[str, str]:
    """What tells the probe, in the service's environment, what it is to impose."""
    asked = asked_of(variant, "probe")
    return {"SYNCLINE_WHAT_IFS": json.dumps(asked)} if asked else {}


def not_imposed(variant: Variant, observations: Iterable[Observation]) -> tuple[str, ...]:
    """Why a trial is none of its variant's what-ifs, a reason for each that did not take.

    A setting took if the probe said so of one process that serves, and of none that it was
    refused; processes in which nothing uses what it sets do not count.
    """
    told = [one for one in observations if one.observer == "probe"]
    reasons = []
    for name, value in asked_of(variant, "probe").items():
        reports = [one.data for one in told if one.kind == KIND and one.data.get("name") == name]
        states = [report.get("imposed") for report in reports]
        if True in states and False not in states:
            continue
        texts = [str(one.get("why", "")) for one in reports if one.get("imposed") is False]
        texts += [str(one.get("why", "")) for one in reports]
        texts += [one.text for one in told if one.kind == "note"]
        why = next(filter(None, texts), "the probe did not say that it was")
        reasons.append(f"the what-if {name}={value} was not imposed: {why.rstrip('.')}")
    return tuple(reasons)


def _check_possible(variant: Variant, settings: Settings) -> None:
    what = f"variant {variant.name!r}"
    if variant.app is None and not variant.command:
        raise UsageError(
            f"What-ifs cannot be imposed on {what}: it is a service that runs already, at "
            f"{variant.url}, and was not started by Syncline."
        )
    if variant.app is None:
        for name in settings:
            by = CATALOGUE[name].by
            if by == "launcher":
                raise UsageError(
                    f"The what-if {name} cannot be imposed on {what}: it is a server of its own, "
                    "started by a command."
                )
            if by == "probe" and "python" not in variant.command[0]:
                raise UsageError(
                    f"The what-if {name} cannot be imposed on {what}: its command does not start "
                    "Python, so nothing can be changed inside it."
                )
        return
    server = cast("Server", settings.get("server", variant.server))
    if server == "waitress" and variant.interface != "wsgi":
        raise UsageError(
            f"The what-if server=waitress cannot be imposed on {what}: its application is ASGI."
        )
    if variant.server_args and server != variant.server:
        raise UsageError(
            f"The what-if server={server} cannot be imposed on {what}: it has arguments for "
            f"{variant.server} ({' '.join(variant.server_args)})."
        )
    if server == "waitress" and "access_log" in settings:
        raise UsageError(
            f"The what-if access_log cannot be imposed on {what}: waitress has no access log."
        )
    _check_keep_alive(what, server, variant.interface, settings.get("keep_alive"))


def _check_keep_alive(what: str, server: Server, interface: str, value: str | None) -> None:
    if value is None:
        return
    off = value == "off"
    why = {
        "granian": "" if off else "granian has no such time; it takes keep_alive=off",
        "hypercorn": "hypercorn cannot switch it off; it takes a number of seconds" if off else "",
        "waitress": "waitress has a bound of its own",
        "gunicorn": (
            "gunicorn's ASGI workers cannot switch it off; they take a number of seconds"
            if off and interface == "asgi"
            else ""
        ),
    }.get(server, "")
    if why:
        raise UsageError(f"The what-if keep_alive={value} cannot be imposed on {what}: {why}.")
