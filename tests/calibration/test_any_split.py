"""However the bytes of a response are cut into pieces, it is the same response."""

from __future__ import annotations

import pytest

from .cases import BROKEN, WHOLE, ResponseCase
from .invariants import check
from .plans import a_few
from .runner import run
from .servers import serve
from .servers.behaviours import Split
from .servers.threaded import Threaded


@pytest.mark.parametrize("case", WHOLE + BROKEN, ids=lambda case: case.name.replace(" ", "-"))
def test_a_response_means_the_same_however_it_is_split(case: ResponseCase) -> None:
    split = Split(case.data, case.then, whole=case.expected == "ok")
    with serve(Threaded(split)) as server:
        observed = run(a_few(server.url, split.ways, connections=split.ways))
        truth = server.truth()
    exact = case.expected not in (None, "reset")
    result = check(observed, truth if exact else None)
    said = {"ok": result.ok, **result.errors}
    outcomes = {kind for kind, count in said.items() if count}
    assert len(outcomes) == 1, f"it depends on the split: {said}"
    assert case.expected is None or outcomes == {case.expected}
    assert result.started == split.ways
