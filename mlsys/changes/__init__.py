"""Changes: of a spec before it goes live, of data that were read before, and between two versions."""
