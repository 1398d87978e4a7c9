"""Breaks a running product on purpose and counts what was lost.

    python -m testing.chaos [--short] [--only NAME …] [--rate N] [--forgetful] [--keep] [--list]

Starts everything of its own under `.local/chaos`, beside whatever else runs here. Ends with code 1
when anything acknowledged was lost, is there twice, is another organization's, was merged or billed
otherwise than the sender says, or when an answer was worse than the fault excuses. That it can
fail shows `--forgetful --only PostgreSQL`: a database that confirms before it has written.
"""

from __future__ import annotations

import argparse
import sys

from operations.local.errors import LocalError
from operations.local.loop import Stopped
from testing.chaos.book import Event
from testing.chaos.faults import FAULTS, Fault
from testing.chaos.phases import Phase, look_back, run_phase
from testing.chaos.table import as_list, as_table
from testing.chaos.world import running_world

RATE, SHORT_RATE = 50.0, 20.0


def main() -> int:
    options = _options()
    if options.list:
        print("\n".join(fault.name for fault in FAULTS))
        return 0
    faults = _chosen(options)
    try:
        phases = _run(faults, options)
    except LocalError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    except Stopped:
        print("Stopped.", file=sys.stderr)
        return 2
    print(as_table(phases, strict=not options.short))
    wrong = as_list(phases, strict=not options.short)
    if wrong:
        print(f"\n{wrong}")
    return int(bool(wrong))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m testing.chaos", description=__doc__)
    parser.add_argument("--short", action="store_true", help="four faults, no bars on time")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="faults whose name begins so")
    parser.add_argument("--rate", type=float, help="events a second; 50, in a short run 20")
    parser.add_argument(
        "--forgetful", action="store_true", help="without synchronous_commit: losses must be found"
    )
    parser.add_argument("--keep", action="store_true", help="leave .local/chaos to look at")
    parser.add_argument("--list", action="store_true", help="name the faults, break nothing")
    return parser.parse_args()


def _chosen(options: argparse.Namespace) -> list[Fault]:
    chosen = [fault for fault in FAULTS if fault.is_short or not options.short]
    if options.only:
        chosen = [fault for fault in FAULTS if fault.name.startswith(tuple(options.only))]
    if not chosen:
        raise SystemExit("No fault has such a name; --list names them. Nothing was started.")
    return chosen


def _run(faults: list[Fault], options: argparse.Namespace) -> list[Phase]:
    phases: list[Phase] = []
    known: list[Event] = []
    rate = options.rate or (SHORT_RATE if options.short else RATE)
    with running_world(keep=options.keep) as world:
        if options.forgetful:
            world.make_forgetful()
        for number, fault in enumerate(faults, start=1):
            world.supervisor.console.say(f"Fault {number} of {len(faults)}: {fault.name}")
            phase = run_phase(world, fault, number, rate=rate, known=known)
            phases.append(phase)
            wrong = "; ".join(phase.problems(strict=not options.short))
            world.supervisor.console.say(f"{fault.name}: {wrong or 'held'}")
            known += phase.events
        return [*phases, look_back(world, phases)]


if __name__ == "__main__":
    sys.exit(main())
