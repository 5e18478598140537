"""Is a model still good: how its data moves, how it performs, and what rings."""
