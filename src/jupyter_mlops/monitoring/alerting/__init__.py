"""Rules over readings: what rings, once; where it is told; and what came of it."""
