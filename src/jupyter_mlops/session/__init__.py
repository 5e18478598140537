"""The project itself: begin, look around, find help, stop."""
