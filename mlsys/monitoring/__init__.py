"""The champion on rows that it has not seen: scores, labels that came late, drift."""
