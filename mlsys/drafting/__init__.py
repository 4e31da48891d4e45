"""A first spec from a table: what its columns are, which of them does what, and the file that says so."""
