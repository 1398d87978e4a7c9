from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from operations.local.environment import read_environment
from operations.local.folders import CLONE
from operations.local.tests.conftest import READY, STOPS, Project, all_ended, wait_until

LONG_NAME = "a clone with spaces " + "x" * 100


def addresses(project: Project) -> dict[str, str]:
    return read_environment(project.folders.environment)


def test_everything_runs_in_a_long_path_with_spaces(
    make_project: Callable[[str], Project],
) -> None:
    project = make_project(LONG_NAME)
    project.start()
    assert set(project.pids()) == {
        "postgres", "valkey", "web", "live", "worker", "feed", "retell",
    }  # fmt: skip
    assert "alice@example.com" in project.output.read_text()
    with psycopg.connect(addresses(project)["DATABASE_ADMIN_URL"]) as connection:
        row = connection.execute("SELECT current_setting('server_encoding')").fetchone()
        assert row == ("UTF8",)
    with redis.Redis.from_url(addresses(project)["REDIS_URL"]) as cache:
        assert cache.ping()


def test_engines_listen_on_no_port_and_ask_for_a_password(project: Project) -> None:
    project.start()
    for name in ("postgres", "valkey"):
        assert psutil.Process(project.pids()[name]).net_connections("inet") == []
    values = addresses(project)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(values["DATABASE_ADMIN_URL"].replace("postgres:", "postgres:x"))
    socket_path = values["REDIS_URL"].rpartition("@")[2].partition("?")[0]
    stranger = redis.Redis(unix_socket_path=socket_path)
    with stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_second_start_is_quick_and_keeps_secrets_and_demo(project: Project) -> None:
    process = project.start()
    process.terminate()
    process.wait(15)
    first = addresses(project)
    began = time.monotonic()
    project.start()
    assert time.monotonic() - began < 10
    assert addresses(project) == first
    assert "load_demo" not in project.output.read_text()
    for path in (project.folders.environment, project.folders.engines):
        assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("number", STOPS.values(), ids=STOPS.keys())
def test_signal_ends_everything(project: Project, number: signal.Signals) -> None:
    process = project.start()
    families = project.families()
    os.killpg(process.pid, number)
    assert process.wait(15) == 0
    assert all_ended(families, seconds=1)
    assert not project.folders.records.exists()


def test_signal_to_make_ends_everything(project: Project) -> None:
    makefile = project.folder / "Makefile"
    makefile.write_text(f"run:\n\t@exec {' '.join(project.command('run'))}\n")
    process = project.start(["make", "-C", str(CLONE), "-f", str(makefile), "run"])
    families = project.families()
    process.terminate()
    process.wait(15)
    assert all_ended(families, seconds=1)


def test_closed_terminal_ends_everything(project: Project) -> None:
    terminal, inside = pty.openpty()
    process = subprocess.Popen(
        project.command("run"),
        cwd=CLONE,
        env=project.environment(),
        stdout=inside,
        stderr=inside,
        start_new_session=True,
    )
    project.started.append(process)
    os.close(inside)
    output = b""
    while READY.encode() not in output:
        output += os.read(terminal, 4096)
    families = project.families()
    os.close(terminal)
    assert process.wait(15) == 0
    assert all_ended(families, seconds=1)


def test_killed_make_takes_everything_along(project: Project) -> None:
    makefile = project.folder / "Makefile"
    makefile.write_text(f"run:\n\t@exec {' '.join(project.command('run'))}\n")
    process = project.start(["make", "-C", str(CLONE), "-f", str(makefile), "run"])
    families = project.families()
    process.kill()
    process.wait()
    assert all_ended(families)


def test_engines_end_with_a_killed_supervisor(project: Project) -> None:
    process = project.start()
    families = project.families()
    process.kill()
    process.wait()
    assert all_ended(families)


def test_next_start_ends_what_a_kill_left(project: Project) -> None:
    process = project.start()
    left = [psutil.Process(project.pids()[name]) for name in ("web", "postgres", "valkey")]
    for survivor in left:
        survivor.suspend()  # so that it cannot follow its parent
    process.kill()
    process.wait()
    time.sleep(0.2)
    assert all(survivor.is_running() for survivor in left)
    project.start()
    assert "left by an earlier run" in project.output.read_text()
    assert all_ended(left, seconds=0)


def test_engine_that_dies_is_started_again(project: Project) -> None:
    project.start()
    psutil.Process(project.pids()["valkey"]).kill()
    psutil.Process(project.pids()["postgres"]).kill()
    wait_until(lambda: project.output.read_text().count("starting it again") == 2)
    wait_until(lambda: project.output.read_text().count("Starting postgres: done") == 2)
    psycopg.connect(addresses(project)["DATABASE_ADMIN_URL"]).close()


def test_process_that_dies_is_started_again(project: Project) -> None:
    project.start()
    before = project.pids()["worker"]
    psutil.Process(before).kill()
    wait_until(lambda: project.pids().get("worker", before) != before)
    assert "worker was ended by SIGKILL; starting it again in 1 s." in project.output.read_text()


def test_web_that_never_starts_ends_the_run(project: Project) -> None:
    procfile = project.folder / "Procfile"
    procfile.write_text(procfile.read_text().replace("manage.py web", "manage.py fail"))
    assert "web ended with code 1, as it did 3 times" in project.refuse()
    assert not project.folders.records.exists()


def test_taken_port_is_refused(project: Project) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", project.port))
        taken.listen()
        assert f"Port {project.port} (PORT) cannot be used" in project.refuse()


def test_second_start_in_the_same_clone_is_refused(project: Project) -> None:
    first = project.start()
    assert f"already running here (process {first.pid}" in project.refuse()
    assert first.poll() is None


def test_data_of_another_postgresql_version_is_kept(project: Project) -> None:
    process = project.start()
    process.terminate()
    process.wait(15)
    version = project.folders.local / "postgres" / "data" / "PG_VERSION"
    version.write_text("16\n")
    assert "was made by PostgreSQL 16 and this is 18; it was left as it is" in project.refuse()


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        ("environment", "is not KEY=value"),
        ("engines.json", "is damaged"),
        ("postgres/data", "is not a complete PostgreSQL data folder"),
    ],
)
def test_broken_local_folder_is_kept_and_explained(
    project: Project, broken: str, text: str
) -> None:
    project.folders.create()
    path = project.folders.local / broken
    if path.suffix or "/" not in broken:
        path.write_text("nonsense")
    else:
        path.mkdir(parents=True)
        project.folders.engines.write_text(
            '{"database_password": "x", "cache_password": "y", "sockets": ""}'
        )
    assert text in project.refuse()
    assert path.exists()


def test_local_that_is_a_file_is_explained(project: Project) -> None:
    project.folders.local.write_text("")
    assert "is not a folder" in project.refuse()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has an account to change to")
def test_root_opens_no_folder_for_the_engines(
    make_project: Callable[..., Project], tmp_path: Path
) -> None:
    tmp_path.chmod(0o700)
    project = make_project("clone", tmp_path)
    project.start()
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    assert psutil.Process(project.pids()["postgres"]).username() == "nobody"
    subprocess.run(project.command("clean"), cwd=CLONE, check=True, capture_output=True)
    assert not project.folders.local.exists()
