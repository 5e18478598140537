"""Panels in a cell: what the project is doing, redrawn as it changes, and a picture that stays when nobody looks."""
