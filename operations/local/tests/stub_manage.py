"""Stands in for `manage.py` in the supervisor's tests: the same commands, and nothing behind."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        pass


def setup_database(*arguments: str) -> None:
    with Path(arguments[3]).open("a") as file:
        file.write("DATABASE_URL=postgresql://runtime\n")


def release() -> None:
    print("migrated")


def load_demo() -> None:
    entry = {"url": "http://localhost", "email": "alice@example.com", "password": "p", "note": "n"}
    Path(".local/demo.json").write_text(json.dumps([entry]))


def web() -> None:
    HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Health).serve_forever()


def sleep() -> None:
    while True:
        time.sleep(1)


def fail() -> None:
    sys.exit("no such thing")


COMMANDS: dict[str, Callable[..., None]] = {
    "setup_database": setup_database,
    "release": release,
    "load_demo": load_demo,
    "web": web,
    "live": sleep,
    "worker": sleep,
    "demo_feed": sleep,
    "fail": fail,
}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
