"""The card of a version: what is known of it, the parts that people write, and the file of both."""
