"""Answers beside what was true: rows of a log made ready, and what a version was like when it was made."""
