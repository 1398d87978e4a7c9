"""The faults: what each does to the running product, and which answers it excuses."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from operations.local.folders import CLONE
from testing.chaos import backups, migrations, reconciliation
from testing.chaos.book import NO_ANSWER, TIMED_OUT
from testing.chaos.world import World, family

FROZEN_SECONDS = 15
OUTAGE_SECONDS = 4
WELL_SECONDS = 5
DATABASE_BAR_SECONDS = 5.0
TOO_LARGE, UNAVAILABLE = 413, 503
REFUSED = (401, 429)


@dataclass
class Strike:
    """What came of a fault: when its cause was away (seconds since 1970), and what was wrong."""

    healed_at: float | None = None
    problems: list[str] = field(default_factory=list)
    note: str = ""
    compared: bool = False  # whether Retell's list was compared afterwards


@dataclass(frozen=True)
class Fault:
    """`excused`: answers that may come beside 2xx; `wanted`: those that must, or the fault missed.

    `bar_seconds`: until well at most, of a full run.
    """

    name: str
    strike: Callable[[World], Strike]
    excused: frozenset[int] = frozenset()
    wanted: frozenset[int] = frozenset()
    bar_seconds: float | None = None
    poisoned: bool = False
    is_short: bool = False


def _wait(world: World) -> Strike:
    world.wait(WELL_SECONDS)
    return Strike()


def _healed_now() -> Strike:
    return Strike(healed_at=time.time())


def _kill_web(world: World) -> Strike:
    world.kill("web")
    world.wait(1)
    world.start("web")
    return _healed_now()


def _kill_one_worker_of_web(world: World) -> Strike:
    """Its parent may start it again, or end and be started again."""
    _parent, *workers = family(world.services["web"])
    workers[-1].kill()
    return _healed_now()


def _kill_worker(world: World) -> Strike:
    world.kill("worker", "live")
    world.wait(1)
    began = time.time()
    for name in ("worker", "live"):
        world.start(name)
    world.until("Waiting for the worker", lambda: _has_worker_since(world, began))
    return Strike(healed_at=began, note=f"worker back in {time.time() - began:.1f} s")


def _has_worker_since(world: World, began: float) -> bool:
    with world.database() as connection:
        row = connection.execute(
            "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > to_timestamp(%s)",
            [began],
        ).fetchone()
    return bool(row and row[0])


def _kill_postgres(world: World) -> Strike:
    world.kill("postgres")
    world.wait(4)
    world.start_engine("postgres")
    return _healed_now()


def _freeze_postgres(world: World) -> Strike:
    frozen = family(world.engine("postgres"))
    for process in frozen:
        process.send_signal(signal.SIGSTOP)
    world.wait(FROZEN_SECONDS)
    for process in frozen:
        process.send_signal(signal.SIGCONT)
    return _healed_now()


def _kill_and_flush_valkey(world: World) -> Strike:
    """Away, then back and empty: it keeps nothing on disk."""
    world.kill("valkey")
    world.wait(3)
    world.start_engine("valkey")
    return _healed_now()


def _kill_everything(world: World) -> Strike:
    world.kill("web", "live", "worker", "postgres", "valkey")
    world.wait(2)
    for name in ("postgres", "valkey"):
        world.start_engine(name)
    for name in ("web", "live", "worker"):
        world.start(name)
    return _healed_now()


def _set_clock_off(by_seconds: int) -> Callable[[World], Strike]:
    def strike(world: World) -> Strike:
        world.kill("web", "worker")
        for name in ("web", "worker"):
            world.start(name, _clock(by_seconds))
        world.until("Waiting for the product", world.answers)
        world.wait(4)
        return _set_clock_right(world)

    return strike


def _set_clock_right(world: World) -> Strike:
    world.kill("web", "worker")
    for name in ("web", "worker"):
        world.start(name)
    return _healed_now()


def _clock(by_seconds: int) -> Mapping[str, str]:
    folder = CLONE / "testing" / "chaos" / "clock"
    return {"PYTHONPATH": str(folder), "CHAOS_CLOCK_OFFSET_SECONDS": str(by_seconds)}


def _kill_a_migration(world: World) -> Strike:
    return Strike(problems=migrations.kill_half_way(world))


def _fill_the_disk_for_backups(world: World) -> Strike:
    if not backups.is_there(world):
        return Strike(note="not in this version")
    return Strike(problems=backups.fill_the_disk(world))


def _outage(world: World) -> Strike:
    """Nobody answers for longer than Retell tries; then its list of calls is compared."""
    world.kill("web")
    world.wait(OUTAGE_SECONDS)
    world.until_sent()
    world.start("web")
    world.until("Waiting for the product", world.answers)
    return Strike(problems=reconciliation.compare_all(world), compared=True)


NOBODY = frozenset({NO_ANSWER, TIMED_OUT})
FAULTS: tuple[Fault, ...] = (
    Fault("nothing", _wait),
    Fault("web killed", _kill_web, excused=NOBODY, is_short=True),
    Fault("one process of web killed", _kill_one_worker_of_web, excused=NOBODY),
    Fault("worker and live killed", _kill_worker),
    Fault(
        "PostgreSQL killed",
        _kill_postgres,
        excused=frozenset({UNAVAILABLE}),
        wanted=frozenset({UNAVAILABLE}),
        bar_seconds=DATABASE_BAR_SECONDS,
        is_short=True,
    ),
    Fault(
        f"PostgreSQL frozen {FROZEN_SECONDS} s",
        _freeze_postgres,
        excused=frozenset({UNAVAILABLE}) | NOBODY,
        bar_seconds=DATABASE_BAR_SECONDS,
    ),
    Fault("Valkey killed and emptied", _kill_and_flush_valkey, is_short=True),
    Fault("poisonous events", _wait, excused=frozenset({TOO_LARGE}),
          wanted=frozenset({TOO_LARGE}), poisoned=True, is_short=True),
    *(
        Fault(
            f"clock {minutes:+d} min",
            _set_clock_off(minutes * 60),
            excused=frozenset(REFUSED) | NOBODY,
            wanted=frozenset({401}),
        )
        for minutes in (10, -10)
    ),
    Fault("everything killed", _kill_everything,
          excused=frozenset({UNAVAILABLE}) | NOBODY),
    Fault("migration killed half-way", _kill_a_migration),
    Fault("disk full for backups", _fill_the_disk_for_backups),
    Fault("Retell gave up", _outage, excused=NOBODY, wanted=frozenset({NO_ANSWER})),
)  # fmt: skip
