"""The process that predicts: it loads one version, and answers what the front hands it."""
