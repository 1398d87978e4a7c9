"""Programs that are no Python packages. Tests that use them are skipped without them, unless
`REQUIRE_SERVERS=1` says that skipping is a failure."""

from __future__ import annotations

import os
import shutil

import pytest

_PATH = f"{os.environ.get('PATH', os.defpath)}{os.pathsep}/usr/sbin"


def program(name: str, package: str = "") -> str:
    """The whole path of a program; skips, or fails, the test that asks for what is not there."""
    found = shutil.which(name, path=_PATH)
    if found is None:
        reason = f"{name} is not installed (apt-get install {package or name})."
        if os.environ.get("REQUIRE_SERVERS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found
