"""Runs: what was tried, on which data, with what result."""
