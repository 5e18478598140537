"""Is a model good enough, and better than the one it is to replace: MV001 to MV021; and MV101 to MV106 of its security."""
