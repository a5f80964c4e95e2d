"""Arms the probe as the interpreter starts, then runs the ``sitecustomize`` that this one hides.

This directory stands on PYTHONPATH, so that all processes of a service come through here. The
package beside it is loaded by its place: its parent directory may be a ``site-packages`` full
of libraries that are none of the service's business, and so must not be on the path.
"""

from __future__ import annotations

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib costs 5 ms


def _arm() -> None:
    import importlib.util

    package = os.path.dirname(_HERE)  # noqa: PTH120
    if "syncline_probe" not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            "syncline_probe",
            os.path.join(package, "__init__.py"),  # noqa: PTH118
            submodule_search_locations=[package],
        )
        if spec is None or spec.loader is None:
            return
        module = importlib.util.module_from_spec(spec)
        sys.modules["syncline_probe"] = module
        spec.loader.exec_module(module)
    sys.modules["syncline_probe"].arm()


def _chain() -> None:
    """Runs the next ``sitecustomize`` on the path, as if this one were not there."""
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    others = [entry for entry in sys.path if os.path.abspath(entry or ".") != _HERE]  # noqa: PTH100
    spec = PathFinder.find_spec("sitecustomize", others)
    if spec is None or spec.loader is None:
        return
    module = module_from_spec(spec)
    ours = sys.modules.get("sitecustomize")
    sys.modules["sitecustomize"] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        if ours is not None:
            sys.modules["sitecustomize"] = ours
        raise


if os.environ.get("SYNCLINE_PROBE_SOCKET"):
    try:
        _arm()
    except Exception as error:  # noqa: BLE001 - a probe that fails must not stop a service
        sys.stderr.write(f"syncline_probe: not armed: {error!r}\n")
_chain()
