"""`python -m automation`."""

from automation.cli import main

main()
