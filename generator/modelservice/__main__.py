"""Run the command line, as `python -m modelservice` or as the command `modelservice`."""

import sys


def run() -> None:
    """Run the command of the command line; Ctrl-C during the imports also ends it without a traceback."""
    try:
        from modelservice.cli import main

        main(prog_name="modelservice")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    run()
