"""Tests of the plan: what a run would do, held against what it did."""
