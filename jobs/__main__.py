"""`python -m jobs` is the command `verbinden`."""

from jobs.cli import main

main()
