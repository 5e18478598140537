"""Which features tell the same: DC001 to DC003."""
