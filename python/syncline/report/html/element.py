"""HTML that can only be written escaped: texts and attribute values are data, never markup."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import Any, TypeAlias

from syncline.report import clean

_VOID = frozenset({"meta", "br", "input", "col", "link"})
_NAME = re.compile(r"[a-z][a-z0-9-]*\Z")
_HANDLER = re.compile(r"on|style\Z|src|srcdoc|formaction")


@dataclass(frozen=True, slots=True)
class Markup:
    """Finished HTML. Only this module makes it."""

    text: str


LINE_END = Markup("\n")
Child: TypeAlias = Markup | str | None


def el(tag: str, *children: Child, **attributes: str | bool | None) -> Markup:
    """An element; strings among its children are text.

    Args:
        attributes: underscores stand for hyphens and a last one is dropped (``class_``); True is
            an attribute without a value, None and False are none.

    Raises:
        ValueError: an attribute that could run or load something, or is no name.
    """
    written = "".join(_attribute(name, value) for name, value in attributes.items())
    if tag in _VOID:
        return Markup(f"<{tag}{written}>")
    return Markup(f"<{tag}{written}>{join(*children).text}</{tag}>")


def join(*children: Child) -> Markup:
    """Several in a row."""
    return Markup("".join(_child(child) for child in children))


def verbatim(tag: str, text: str, **attributes: str) -> Markup:
    """An element of our own script or style, as it is.

    Raises:
        ValueError: the text would end the element.
    """
    if "</" + tag in text.lower() or "<!--" in text:
        raise ValueError(f"the text would end its {tag}")
    written = "".join(_attribute(name, value) for name, value in attributes.items())
    return Markup(f"<{tag}{written}>{text}</{tag}>")


def data(name: str, value: Any) -> Markup:
    """A value as a block of JSON that nothing in it can end or extend."""
    return verbatim("script", safe_json(value), type="application/json", id=name)


def safe_json(value: Any) -> str:
    """JSON in ASCII without ``<``, ``>`` and ``&``: no text in it looks like markup."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=True)
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _child(child: Child) -> str:
    if child is None:
        return ""
    return child.text if isinstance(child, Markup) else html.escape(clean.plain(child))


def _attribute(name: str, value: str | bool | None) -> str:
    name = name.rstrip("_").replace("_", "-")
    if not _NAME.match(name) or _HANDLER.match(name):
        raise ValueError(f"{name!r} is no attribute for a page of strangers' texts")
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{html.escape(clean.plain(value))}"'
