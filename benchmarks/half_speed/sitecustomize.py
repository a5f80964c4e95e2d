"""Halves the speed of the probe's clock in a service that has half a core.

What the probe does by the clock then takes the same part of the CPU that the service gets as on a
core of its own. It runs after the probe's own ``sitecustomize``; without the probe it does nothing.
"""

import sys

if "syncline_probe" in sys.modules:
    from syncline_probe import effort, pool, sampler, standing, stretches
    from syncline_probe.hooks import event_loop, sqlalchemy_pools

    _SECONDS = (
        (sampler, ("TICK_S", "_SAMPLE_S", "_SPARE_S")),
        (event_loop, ("TICK_S", "BEAT_S")),
        (stretches, ("_SOON_S", "_REST_S", "_LONG_S", "_LEAVE_S", "_UNSEEN_S")),
        (standing, ("_EVERY_S", "_SELDOM_S")),
        (pool, ("_LONG_S", "_SITE_EVERY_S")),
        (sqlalchemy_pools, ("_UNKNOWN_S",)),
    )
    _A_SECOND = ((effort, ("_FEW",)), (standing, ("_FIRST_SHARE", "_SHARE")))
    try:
        for factor, table in ((2, _SECONDS), (0.5, _A_SECOND)):
            for module, names in table:
                for name in names:
                    setattr(module, name, factor * getattr(module, name))
    except AttributeError as error:
        # Any other exception Python tells and goes on, and what is measured would be another thing.
        raise SystemExit(f"half_speed: the probe has changed: {error}") from error
