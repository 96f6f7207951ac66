"""`python -m docmill` is `docmill`."""

from docmill.flows.cli import main

main()
