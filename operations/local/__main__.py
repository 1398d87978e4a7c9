"""`python -m operations.local COMMAND`; `make` is the usual way in."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from operations.local.clean import clean
from operations.local.console import Console
from operations.local.errors import LocalError
from operations.local.folders import CLONE
from operations.local.loop import Stopped
from operations.local.only_engines import run_engines, run_test_engines
from operations.local.product import run_product

COMMANDS: dict[str, tuple[Callable[[Path, Console], None], str]] = {
    "run": (run_product, "everything, with demo data"),
    "engines": (run_engines, "only the engines, for work with manage.py"),
    "test-engines": (run_test_engines, "engines for the tests, until no test run uses them"),
    "clean": (clean, "stop everything and delete .local"),
}


def main() -> int:
    arguments = _parse()
    console = Console()
    command, _help = COMMANDS[arguments.command]
    try:
        command(arguments.clone, console)
    except LocalError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(
            f"{error.filename or 'A file'}: {error.strerror or error}; everything was stopped and "
            "the data was kept."
        )
    except Stopped:
        console.say("Stopped.")
    return 0


def _fail(sentence: str) -> int:
    print(f"Error: {sentence}", file=sys.stderr)
    return 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m operations.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (_command, text) in COMMANDS.items():
        commands.add_parser(name, help=text)
    parser.add_argument("--clone", type=Path, default=CLONE, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
