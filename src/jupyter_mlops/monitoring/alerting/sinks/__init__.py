"""The ways to tell: each a function that sends one message, and says in a line why it could not."""
