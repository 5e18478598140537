"""Is a model good enough, and better than the one it is to replace: MV001 to MV021."""
