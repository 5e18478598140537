"""What the law calls personal: GD001 to GD008. A help, not a legal opinion."""
