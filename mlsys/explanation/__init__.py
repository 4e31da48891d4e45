"""What the challenger relies on and why it answers as it does, made after the decision, which it can't change."""
