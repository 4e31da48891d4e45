"""The rows of a snapshot as models see them, and the side that each one is on."""
