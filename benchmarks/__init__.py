"""Measurements of Syncline itself: what its engine costs and how exact it is."""
