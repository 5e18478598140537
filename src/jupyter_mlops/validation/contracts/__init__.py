"""Contracts: what data must be, as a pandera schema that people edit, and hold data to (DQ027)."""
