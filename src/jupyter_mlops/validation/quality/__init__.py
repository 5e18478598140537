"""Is the data what it seems to be: DQ001 to DQ026."""
