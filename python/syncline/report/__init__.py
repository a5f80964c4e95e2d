"""Outcomes as documents for people: one tree, several edges; and the displays while it runs."""
