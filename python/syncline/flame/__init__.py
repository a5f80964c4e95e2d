"""What can be told from folded stacks: tables, differences, readings, other tools' formats."""

from syncline.flame.against import Change, changes, per_request
from syncline.flame.files import folded_text, from_folded_text, speedscope
from syncline.flame.reading import by_owner, reading
from syncline.flame.search import profiled
from syncline.flame.shape import merged, pruned, searched
from syncline.flame.top import Spot, top, yours
from syncline.flame.waits import NO_WAITING, Wait, WaitClass, classified, sites, waiting, waits_only
from syncline.flame.whose import Owner, label, owner, place

__all__ = [
    "NO_WAITING",
    "Change",
    "Owner",
    "Spot",
    "Wait",
    "WaitClass",
    "by_owner",
    "changes",
    "classified",
    "folded_text",
    "from_folded_text",
    "label",
    "merged",
    "owner",
    "per_request",
    "place",
    "profiled",
    "pruned",
    "reading",
    "searched",
    "sites",
    "speedscope",
    "top",
    "waiting",
    "waits_only",
    "yours",
]
