"""When a silence of the service is a hang."""

from __future__ import annotations

from syncline.outcome import LoadResult, Silence


def hang_of(result: LoadResult) -> Silence | None:
    """The silence of a load if it was a hang: answers stopped for long, or did not come back.

    A silence is a hang if it lasted for 2 s and 30 % of the measured time, or if it reached the
    end and lasted for 1 s. Either way it must be over three times the median service time, as
    far as that is a time of answers and not of time-outs: a slow service with few connections
    has pauses between its answers and does not hang.
    """
    silence = result.silence
    if silence is None:
        return None
    enough_s = 1.0 if silence.until_end else max(2.0, 0.3 * result.duration_s)
    return silence if silence.longest_s >= max(enough_s, usual_s(result)) else None


def usual_s(result: LoadResult) -> float:
    """A silence shorter than this is usual in this load: three times the median service time."""
    if result.service_time_us is not None and result.ok > result.timed_out:
        return 3 * result.service_time_us.p50 / 1e6
    return 0.0
