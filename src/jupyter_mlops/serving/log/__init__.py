"""Every prediction that an endpoint has answered: written before the answer leaves, kept by day, joined with labels."""
