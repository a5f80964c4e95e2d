"""``python -m scripts.reference`` writes the pages that are not current, and names them."""

from __future__ import annotations

from scripts.reference import write


def main() -> None:
    """Write, and say what was written."""
    written = write()
    print("\n".join(written) if written else "The references are current.")


if __name__ == "__main__":
    main()
