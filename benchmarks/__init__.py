"""Measurements of docmill beside what a team would write itself: `make bench`."""
