"""Fitting candidates: in a child of their own, tuned where asked, written as canonical model files."""
