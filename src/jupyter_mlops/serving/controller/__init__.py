"""The process that looks after an endpoint: it follows the registry, and keeps the others alive."""
