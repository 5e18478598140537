"""How data has moved: sketches of columns, what lies between two of them, and when that is an alarm."""
