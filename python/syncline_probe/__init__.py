"""What looks at a service from inside it: enters by ``sitecustomize``, reports over a socket.

It lives in a foreign process, so it imports the standard library only and nothing of
``syncline``, hooks libraries as they are imported, and never raises into the service.
"""

from __future__ import annotations

__all__ = ["arm"]


def arm() -> bool:
    """Starts the probe in this process if ``SYNCLINE_PROBE_SOCKET`` names a socket.

    Returns:
        Whether it is armed now; False too if it was armed before.
    """
    from syncline_probe.arming import arm_from_environment

    return arm_from_environment()
