"""The shipped proxies in front of the shipped units, on loopback with TLS and real engines."""

from __future__ import annotations

import grp
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.observatory.certificates import make_certificate
from testing.fixtures import World
from testing.programs import program
from testing.retell import sign
from testing.servers import free_port
from testing.units import OPS, Unit, fill_in, marked_place, running

START_SECONDS = 120


@dataclass(frozen=True)
class Site:
    """Where everything of one test installation listens."""

    port: int
    folder: Path
    web: tuple[Unit, ...]
    live: Unit

    @property
    def trust(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.folder / "authority.pem"))
        context.check_hostname = False  # it is asked by its address
        return context

    def client(self, host: str = "localhost", address: str = "127.0.0.1") -> httpx.Client:
        """A browser at `address`, which must be one of this machine, of one host of the product."""
        return httpx.Client(
            base_url=f"https://127.0.0.1:{self.port}",
            headers={"Host": f"{host}:{self.port}"},
            transport=httpx.HTTPTransport(verify=self.trust, local_address=address),
            timeout=120,  # machines that test are busy
        )

    def connect(self, trust: ssl.SSLContext) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        return trust.wrap_socket(plain, server_hostname="127.0.0.1")


def _proxy_group() -> int | None:
    """The group nginx works as when root starts it, as `adduser www-data switchboard` gives it."""
    if os.geteuid() != 0:
        return None
    try:
        return grp.getgrnam("www-data").gr_gid
    except KeyError:
        return None


def _write_certificate(folder: Path) -> None:
    made = make_certificate("localhost", "*.localhost", "127.0.0.1")
    (folder / "authority.pem").write_text(made.authority)
    (folder / "certificate.pem").write_text(made.certificate)
    (folder / "key.pem").write_text(made.key)


NGINX_PLACE = """
    upstream web {{
        server unix:{web[0]} max_fails=0;
        server unix:{web[1]} max_fails=0;
    }}
    upstream live {{ server unix:{live} max_fails=0; }}
    map $host $known_host {{
        hostnames;
        default 0;
        .localhost 1;
    }}
    access_log {folder}/access.log brief;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    server {{
        listen 127.0.0.1:{port} ssl http2 default_server;
        ssl_certificate {folder}/certificate.pem;
        ssl_certificate_key {folder}/key.pem;
"""


def nginx(site: Site) -> list[str]:
    """Writes the configuration and returns the command."""
    text = NGINX_PLACE.format(
        web=[unit.socket for unit in site.web], live=site.live.socket, folder=site.folder,
        port=site.port,
    )  # fmt: skip
    file = site.folder / "nginx.conf"
    file.write_text(fill_in(OPS / "nginx" / "nginx.conf", text))
    globals_ = f"daemon off; pid {site.folder}/nginx.pid; error_log {site.folder}/error.log;"
    return [program("nginx"), "-c", str(file), "-g", globals_]


def caddy_place(version: str, *, addresses: str, certificate: str, web: str, live: str) -> str:
    """The marked place of the Caddyfile for this version of Caddy."""
    place = marked_place(OPS / "caddy" / "Caddyfile")
    if tuple(map(int, version.split("-")[0].split("."))) < (2, 6, 3):
        old = "\tbuffer_requests\n\tmax_buffer_size 20MiB"
        place = place.replace("\trequest_buffers 20MiB", old)
    before, _, _ = place.partition("{$DOMAIN")
    for line in before.splitlines():
        if line.startswith("\tto {$WEB"):
            before = before.replace(line, f"\tto {web}")
        elif line.startswith("\tto {$LIVE"):
            before = before.replace(line, f"\tto {live}")
    return f"{before}{addresses} {{\n\ttls {certificate}\n\timport switchboard\n}}"


def caddy_version() -> str:
    said = subprocess.check_output([program("caddy"), "version"], text=True)
    return said.split()[0].removeprefix("v")


def caddy(site: Site) -> list[str]:
    """Writes the configuration and returns the command. Ports that Caddy opens besides, for its
    administration and for http, are switched off: others may use them."""
    place = caddy_place(
        caddy_version(),
        addresses=f"localhost:{site.port}, *.localhost:{site.port}, 127.0.0.1:{site.port}",
        certificate=f"{site.folder}/certificate.pem {site.folder}/key.pem",
        web=" ".join(f"unix/{unit.socket}" for unit in site.web),
        live=f"unix/{site.live.socket}",
    )
    file = site.folder / "Caddyfile"
    file.write_text(fill_in(OPS / "caddy" / "Caddyfile", place))
    command = [program("caddy"), "adapt", "--adapter", "caddyfile", "--config", str(file)]
    config = json.loads(subprocess.check_output(command, stderr=subprocess.DEVNULL))
    config["admin"] = {"disabled": True}
    (server,) = config["apps"]["http"]["servers"].values()
    server["automatic_https"] = {"disable_redirects": True}
    server["listen"] = [f"127.0.0.1:{site.port}"]
    (site.folder / "caddy.json").write_text(json.dumps(config))
    return [program("caddy"), "run", "--config", str(site.folder / "caddy.json")]


def _units(folder: Path, port: int) -> tuple[tuple[Unit, ...], Unit]:
    environment = os.environ | {
        "PUBLIC_BASE_URL": f"https://localhost:{port}",
        "TRUSTED_PROXIES": "unix",
        "WEB_WORKERS": "1",
        "HOME": str(folder),
    }
    environment.pop("PORT", None)
    group = _proxy_group()
    web = tuple(
        Unit("switchboard-web@.service", folder, environment, instance=number, group=group)
        for number in ("1", "2")
    )
    return web, Unit("switchboard-live.service", folder, environment, group=group)


def _answers(site: Site) -> bool:
    try:
        with site.client() as client:
            return client.get("/health").status_code == 200
    except httpx.HTTPError:
        return False


@contextmanager
def _started(command: list[str], site: Site) -> Iterator[None]:
    environment = os.environ | {"HOME": str(site.folder)}
    process = subprocess.Popen(command, env=environment, cwd=site.folder)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(site):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} did not start; see {site.folder} and above.")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextmanager
def installation(proxy: Callable[[Site], list[str]]) -> Iterator[Site]:
    """Two instances of `web`, `live` and a proxy, from the shipped files, until the end."""
    program(proxy.__name__)  # before anything is started
    # Paths of sockets may have 107 characters, which pytest's folders are near.
    folder = Path(tempfile.mkdtemp(prefix="site-"))
    folder.chmod(0o755)
    port = free_port()
    try:
        _write_certificate(folder)
        web, live = _units(folder, port)
        site = Site(port, folder, web, live)
        with running(*web, live), _started(proxy(site), site):
            yield site
    finally:
        shutil.rmtree(folder)


def deliver(client: httpx.Client, world: World, body: bytes, **headers: str) -> httpx.Response:
    """Post a signed delivery of Acme through the proxy."""
    headers = {"Content-Type": "application/json", "X-Retell-Signature": sign(body)} | headers
    path = f"/webhooks/retell/{world.webhook_tokens['acme']}/"
    return client.post(path, content=body, headers=headers)
