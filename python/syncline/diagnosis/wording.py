"""Figures within a finding's sentences."""

from __future__ import annotations


def figure(value: float) -> str:
    """Three significant digits, no exponent, thousands set apart: ``4,560``, ``0.25``."""
    return f"{float(f'{value:.3g}'):,.12g}"
