"""The shipped files are what the programs that read them take, and say what the product reads."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bench.observatory.certificates import make_certificate
from testing.programs import program
from testing.proxies import caddy_place, caddy_version
from testing.units import MARKED, OPS, fill_in, marked_place, unit_values

ROOT = OPS.parent
UNITS = sorted((OPS / "systemd").iterdir())
CONFIGURATIONS = [
    OPS / "nginx" / "nginx.conf",
    OPS / "caddy" / "Caddyfile",
    OPS / "compose" / "compose.yaml",
    OPS / "compose" / "Dockerfile",
    OPS / "environment.example",
    OPS / "switchboard",
    *(unit for unit in UNITS if unit.suffix == ".service"),
]


def run(*command: str, cwd: Path = ROOT, **environment: str) -> None:
    result = subprocess.run(
        command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("file", CONFIGURATIONS, ids=lambda file: file.name)
def test_each_is_edited_in_one_marked_place(file: Path) -> None:
    assert len(MARKED.findall(file.read_text())) == 1


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    made = make_certificate("switchboard.example.com")
    (tmp_path / "fullchain.pem").write_text(made.certificate)
    (tmp_path / "privkey.pem").write_text(made.key)
    return tmp_path


def test_nginx_takes_its_configuration(certificate: Path) -> None:
    place = marked_place(OPS / "nginx" / "nginx.conf")
    for folder in ("/etc/letsencrypt/live/switchboard.example.com", "/var/log/nginx"):
        place = place.replace(folder, str(certificate))
    place = place.replace("/var/lib/nginx", str(certificate))
    file = certificate / "nginx.conf"
    file.write_text(fill_in(OPS / "nginx" / "nginx.conf", place))
    globals_ = f"pid {certificate}/pid; error_log {certificate}/error.log;"
    run(program("nginx"), "-t", "-c", str(file), "-g", globals_)


def test_caddy_takes_its_configuration(certificate: Path) -> None:
    place = caddy_place(
        caddy_version(),
        addresses="switchboard.example.com, *.switchboard.example.com",
        certificate=f"{certificate}/fullchain.pem {certificate}/privkey.pem",
        web="unix//run/switchboard/web-1/socket unix//run/switchboard/web-2/socket",
        live="unix//run/switchboard/live/socket",
    )
    file = certificate / "Caddyfile"
    file.write_text(fill_in(OPS / "caddy" / "Caddyfile", place))
    command = (program("caddy"), "validate", "--adapter", "caddyfile", "--config", str(file))
    run(*command, HOME=str(certificate))


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    analyze = program("systemd-analyze", "systemd")
    for unit in UNITS:
        shutil.copy(unit, tmp_path / unit.name.replace("@.", "@1."))
    run(analyze, "verify", "--man=no", *map(str, sorted(tmp_path.iterdir())))


@pytest.mark.parametrize(
    "unit", [unit for unit in UNITS if unit.suffix == ".service"], ids=lambda unit: unit.name
)
def test_a_unit_is_exposed_little(unit: Path, tmp_path: Path) -> None:
    """By systemd's own measure, from 0 to 10; 10 is a service that may do everything."""
    analyze = program("systemd-analyze", "systemd")
    copy = tmp_path / unit.name.replace("@.", "@1.")
    shutil.copy(unit, copy)
    run(analyze, "security", "--offline=true", "--threshold=20", str(copy))


def test_compose_takes_its_file(tmp_path: Path) -> None:
    compose = program("docker-compose")
    shutil.copy(OPS / "compose" / "compose.yaml", tmp_path)
    example = (OPS / "environment.example").read_text()
    (tmp_path / ".env").write_text(example.replace("#POSTGRES_PASSWORD=", "POSTGRES_PASSWORD=x"))
    run(compose, "--file", "compose.yaml", "config", "--quiet", cwd=tmp_path)


def compose_services() -> dict[str, dict[str, object]]:
    loaded = yaml.safe_load((OPS / "compose" / "compose.yaml").read_text())
    services: dict[str, dict[str, object]] = loaded["services"]
    return services


def test_only_the_proxy_is_reachable_from_outside_of_compose() -> None:
    assert {name for name, service in compose_services().items() if "ports" in service} == {"caddy"}


def test_compose_has_every_process_and_engine() -> None:
    wanted = {"release", "web", "worker", "live", "postgres", "valkey", "caddy"}
    assert wanted <= set(compose_services())


def test_the_image_is_built_from_the_lock() -> None:
    text = (OPS / "compose" / "Dockerfile").read_text()
    assert "--require-hashes -r pyproject.toml -c requirements.lock" in text
    assert "\nUSER switchboard\n" in text


def test_the_units_start_what_the_procfile_starts() -> None:
    lines = (ROOT / "Procfile").read_text().splitlines()
    procfile = dict(line.split(": ", 1) for line in lines)
    place = re.compile(r'--(host|port|uds|uds-permissions) (?:"[^"]*"|\S+) ')
    for name, file in (("web", "switchboard-web@.service"), ("live", "switchboard-live.service")):
        (command,) = unit_values(file, "ExecStart")
        ours = command.removeprefix("/bin/sh -c 'exec .venv/bin/").removesuffix("'")
        assert place.sub("", ours) == place.sub("", procfile[name].removeprefix("exec "))


# --- The template of the environment -------------------------------------------------------------

SETTING = re.compile(r"^#?([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)
# Read by programs besides the product's own code.
OF_PROGRAMS = {"HOST", "WEB_WORKERS", "WEB_THREADS", "POSTGRES_PASSWORD"}
# Read, but made by the product itself or by `setup_database` on its way.
NOT_FOR_PEOPLE = {
    "DATABASE_ADMIN_URL",
    "DJANGO_SETTINGS_MODULE",
    "PROMETHEUS_MULTIPROC_DIR",
}


def template() -> dict[str, str]:
    return dict(SETTING.findall((OPS / "environment.example").read_text()))


def _readers() -> set[str]:
    """The functions that take a variable's name."""
    readers = {"_database"}
    for file in ("environment.py", "storage_addresses.py"):
        for node in ast.parse((ROOT / "config" / file).read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.args.args:
                readers |= {node.name} if node.args.args[0].arg == "name" else set()
    return readers


def variables_read(file: Path, readers: set[str]) -> Iterator[str]:
    """Names in `reader("NAME")`, `env.str("NAME")`, `os.environ.get("NAME")` and the like."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = ast.unparse(node.func)
            if called in readers or re.fullmatch(r"env\.\w+|os\.environ\.get|os\.getenv", called):
                yield str(node.args[0].value)
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            yield from [str(node.slice.value)] if ast.unparse(node.value) == "os.environ" else []


def read_by_the_product() -> set[str]:
    readers = _readers()
    local = ROOT / "operations" / "local"
    files = [
        file
        for folder in ("config", "tenants", "accounts", "agents", "calls", "webhooks", "analytics",
                       "exports", "jobs", "completeness", "notifications", "audit", "operations")
        for file in (ROOT / folder).rglob("*.py")
        if "tests" not in file.parts and local not in file.parents
    ]  # fmt: skip
    return {name for file in files for name in variables_read(file, readers)} - NOT_FOR_PEOPLE


def test_every_variable_is_in_the_template() -> None:
    assert read_by_the_product() - set(template()) == set()


def test_the_template_names_no_variable_that_nothing_reads() -> None:
    assert set(template()) - read_by_the_product() - OF_PROGRAMS == set()


def test_every_variable_is_explained() -> None:
    text = (OPS / "environment.example").read_text()
    for block in text.split("\n\n"):
        lines = block.splitlines()
        if any(SETTING.match(line) for line in lines):
            assert lines[0].startswith("# "), f"nothing explains {lines[0]}"


def test_the_template_is_read_alike_by_systemd_containers_and_our_script() -> None:
    """No quotes, no `$`, no spaces around the sign: what each of them reads differently."""
    for name, value in template().items():
        assert value == value.strip(), name
        assert not set(value) & set("\"'$\\`"), name


def test_the_script_hands_the_settings_to_a_command(tmp_path: Path) -> None:
    settings = tmp_path / "environment"
    settings.write_text("# a comment\nMAIL_FROM=Switchboard <a@example.com>\n\nPORT=8123")
    program_ = tmp_path / ".venv" / "bin" / "python"
    program_.parent.mkdir(parents=True)
    program_.write_text('#!/bin/sh\necho "$MAIL_FROM|$PORT|$*"\n')
    program_.chmod(0o755)
    user = subprocess.check_output(["id", "-un"], text=True).strip()
    said = subprocess.check_output(
        [str(OPS / "switchboard"), "deploy_check", "--json"],
        env=os.environ | {
            "SWITCHBOARD_HOME": str(tmp_path), "SWITCHBOARD_ENVIRONMENT": str(settings),
            "SWITCHBOARD_USER": user,
        },
        text=True,
    )  # fmt: skip
    assert said == "Switchboard <a@example.com>|8123|manage.py deploy_check --json\n"
