"""Registered models: which version is what, who moved it, and the way back."""
