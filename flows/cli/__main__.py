"""`python -m flows.cli` is `docmill`."""

from flows.cli import main

main()
