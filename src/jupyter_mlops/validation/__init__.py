"""Checks of data and of models, and the reports that gates, cards and CI read."""
