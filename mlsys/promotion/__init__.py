"""From evidence to champion: the decision, the ledger's compare-and-set, and the projections."""
