"""Loads within tests: what a test asks, what it gets, and one report for all of them."""
