"""The champions of an installation over HTTP: who answers follows the ledger, and each answer is counted and kept."""
