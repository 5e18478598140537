"""A version in one file that another project can import, and the way in for it."""
