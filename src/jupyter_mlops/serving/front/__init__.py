"""The process that clients speak to: who asks, which version answers, and in which words."""
