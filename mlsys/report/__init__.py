"""What a run leaves to read: one self-contained HTML card."""
