"""The pages of ``docs/`` that the code itself writes: ``make reference``.

They are committed, so that they can be read without building anything; a unit test fails as soon
as one of them is not what the code says.
"""

from scripts.reference.pages import ROOT, outdated, pages, write

__all__ = ["ROOT", "outdated", "pages", "write"]
