"""Serve a registered model over HTTP, from a process of its own."""
