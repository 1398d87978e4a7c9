"""The file that hands the logins' addresses to the processes: KEY=value lines."""

from __future__ import annotations

from pathlib import Path


def read_environment_file(file: Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    lines = (line.split("=", 1) for line in file.read_text().splitlines() if "=" in line)
    return dict(lines)


def write_environment_file(file: Path, values: dict[str, str]) -> None:
    """Replace the file in one step; it holds passwords, so only its owner may read it."""
    fresh = file.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text("".join(f"{key}={value}\n" for key, value in values.items()))
    fresh.replace(file)
