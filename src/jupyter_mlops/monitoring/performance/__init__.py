"""How a model performs: by the labels that have come, and by an estimate where none has."""
