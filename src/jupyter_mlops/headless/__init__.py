"""The same notebook in CI: strict, told in full, and nothing lost on failure."""
