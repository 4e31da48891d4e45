"""How files and databases are read into typed tables; shared by the sources."""
