"""Which version of the product this is."""

from __future__ import annotations

import tomllib

from config.environment import BASE_DIR

VERSION: str = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"]
