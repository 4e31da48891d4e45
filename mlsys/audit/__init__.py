"""What an auditor asks for in one file, and the verifier that goes with it."""
