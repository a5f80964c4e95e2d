"""What-ifs: settings that Syncline imposes on a service whose code stays as it is.

The catalogue says what can be imposed, with which values, and by whom; :func:`imposed` makes
the variant that has them. Whether the service took them is told by :func:`not_imposed`, from
what was seen: a trial whose what-ifs did not take is not a trial of them.
"""

from syncline.whatif.catalogue import CATALOGUE, DATABASES, Settings, WhatIf, checked, parse
from syncline.whatif.imposing import (
    KIND,
    asked_of,
    backend_settings,
    base_name,
    environment,
    imposed,
    label_of,
    not_imposed,
)

__all__ = [
    "CATALOGUE",
    "DATABASES",
    "KIND",
    "Settings",
    "WhatIf",
    "asked_of",
    "backend_settings",
    "base_name",
    "checked",
    "environment",
    "imposed",
    "label_of",
    "not_imposed",
    "parse",
]
