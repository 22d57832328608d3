"""`python -m modelservice` runs the command line."""

from modelservice.cli import main

main(prog_name="modelservice")
