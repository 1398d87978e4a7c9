"""Stands in for `manage.py` in the supervisor's tests: the same commands, and nothing behind."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path


def setup_database(*arguments: str) -> None:
    with Path(arguments[3]).open("a") as file:
        file.write("DATABASE_URL=postgresql://runtime\n")


def release() -> None:
    print("migrated")


def load_demo() -> None:
    entry = {"url": "http://localhost", "email": "alice@example.com", "password": "p", "note": "n"}
    Path(".local/demo.json").write_text(json.dumps([entry]))


def web() -> None:
    listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
    while True:
        connection, _address = listener.accept()
        asked = connection.recv(4096).startswith(b"GET /health ")
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" if asked else b"HTTP/1.0 404 No\r\n\r\n")
        connection.close()


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
    "demo_feed": sleep,
    "demo_retell": sleep,
    "fail": fail,
}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
