"""What can be learned from the data: DP001 to DP007."""
