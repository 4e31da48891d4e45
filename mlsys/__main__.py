"""`python -m mlsys` is `mlsys`."""

from mlsys.cli import main

main()
