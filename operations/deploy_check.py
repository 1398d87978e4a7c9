"""What `manage.py deploy_check` asks before an installation is let onto the internet.

What is measured of the running product comes from `operations.health`; here stands only what
settings and logins say.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import psycopg
from django.conf import settings
from django.core import checks
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from operations.health import MEASUREMENTS, Measurement
from operations.health.host import CLOCK_SECONDS
from tenants.db.durability import switched_off
from tenants.db.roles import role_name

# Of the running product what must be well before it starts.
MEASURED = ("redis", "database", "durability", "clock", "disk")
SECRET_KEY_LENGTH = 50
DIFFERENT_BYTES = 12  # of 32: chance stays above it in all but one of 10**20 keys
PUBLIC_TIMEOUT_SECONDS = 5.0
SETUP_FIX = "Run `manage.py setup_database --admin-url …` and put what it prints into the settings."


def findings() -> Iterator[Measurement]:
    """Everything that is asked, well or not, the cheapest first."""
    yield from _settings()
    yield from _framework()
    for code in MEASURED:
        yield MEASUREMENTS[code]()
    yield from _logins()
    yield _public_address()


# --- Settings ------------------------------------------------------------------------------------


def _settings() -> Iterator[Measurement]:
    yield Measurement(
        "environment",
        is_well=settings.PRODUCTION,
        found=f"ENVIRONMENT is {settings.ENVIRONMENT}.",
        fix="Set ENVIRONMENT=production: other values allow what must not be on the internet.",
    )
    yield Measurement(
        "debug",
        is_well=not settings.DEBUG,
        found=f"DEBUG is {'on' if settings.DEBUG else 'off'}.",
        fix="Remove DEBUG: error pages would show settings and what people sent.",
    )
    yield Measurement(
        "base_url",
        is_well=settings.SECURE,
        found=f"PUBLIC_BASE_URL is {'https' if settings.SECURE else 'http'}.",
        fix="Set PUBLIC_BASE_URL to an https address: sign-in cookies and webhook URLs would"
        " travel in the clear.",
    )
    yield _secret_key()
    yield from _keys()
    yield _static_files()


def _secret_key() -> Measurement:
    key: str = settings.SECRET_KEY
    is_long = len(key) >= SECRET_KEY_LENGTH and len(set(key)) >= DIFFERENT_BYTES
    return Measurement(
        "secret_key",
        is_well=is_long and not any(word in key for word in ("insecure", "made-up", "change")),
        found=f"SECRET_KEY has {len(key)} characters, {len(set(key))} of them different.",
        fix="Set SECRET_KEY to what `openssl rand -base64 48` prints. Everybody signs in again.",
    )


def _is_random(encoded: str) -> bool:
    try:
        return len(set(base64.b64decode(encoded, validate=True))) >= DIFFERENT_BYTES
    except binascii.Error:
        return False


def _keys() -> Iterator[Measurement]:
    ring = [entry.strip().partition(":")[2] for entry in settings.ENCRYPTION_KEYS.split(",")]
    is_random = all(map(_is_random, ring))
    yield Measurement(
        "encryption_keys",
        is_well=is_random,
        found=f"ENCRYPTION_KEYS holds {len(ring)} key(s), {'' if is_random else 'not '}all random.",
        fix='Add the key that `echo "2:$(openssl rand -base64 32)"` prints and run'
        " `manage.py rotate_encryption_keys`, see docs/security-model.md.",
    )
    own = settings.BACKUP_KEY
    yield Measurement(
        "backup_key",
        is_well=_is_random(own) and own not in ring,
        found="BACKUP_KEY is "
        + ("not set." if not own else "set." if _is_random(own) else "not random."),
        fix="Set BACKUP_KEY to what `openssl rand -base64 32` prints, another than any of"
        " ENCRYPTION_KEYS, and keep a copy where the backups are not.",
    )


def _static_files() -> Measurement:
    root = settings.STATIC_ROOT
    is_there = root is not None and (Path(root) / "staticfiles.json").is_file()
    return Measurement(
        "static_files",
        is_well=is_there,
        found=f"Static files are {'' if is_there else 'not '}collected.",
        fix="Run `manage.py collectstatic --no-input` in the version's folder.",
    )


def _framework() -> Iterator[Measurement]:
    """`check --deploy`: mail, proxies, and what Django itself says."""
    said = checks.run_checks(include_deployment_checks=True)
    serious = [one for one in said if one.level >= checks.WARNING and not one.is_silenced()]
    if not serious:
        yield Measurement("checks", is_well=True, found="`check --deploy` finds nothing.")
    for one in serious:
        yield Measurement(one.id or "checks", is_well=False, found=one.msg, fix=one.hint or "")


# --- Logins and roles ----------------------------------------------------------------------------

# What of a login must hold: name, question, and what is wrong when it is not so.
_RUNTIME = (
    "SELECT NOT rolsuper AND NOT rolbypassrls AND NOT rolcreaterole AND NOT EXISTS ("
    " SELECT FROM pg_class c WHERE c.relowner = r.oid) FROM pg_roles r WHERE rolname = session_user"
)
_OWNER = "SELECT rolcreaterole AND NOT rolsuper FROM pg_roles WHERE rolname = session_user"
_BACKUP = (
    "SELECT rolbypassrls AND NOT rolsuper"
    " AND pg_has_role(session_user, 'pg_read_all_data', 'USAGE')"
    " FROM pg_roles WHERE rolname = session_user"
)
_ROLES = "SELECT count(*) FROM pg_roles WHERE rolname = ANY(%s)"
_SHARED_ROLES = ("door", "platform", "organizations")


def _logins() -> Iterator[Measurement]:
    yield _login("runtime", "DATABASE_URL", _RUNTIME, "may do more than work as its roles")
    yield _login("owner", "DATABASE_OWNER_URL", _OWNER, "may not create roles, or is a superuser")
    yield _login("backup", "DATABASE_BACKUP_URL", _BACKUP, "may not read every row, or writes too")
    yield _shared_roles()
    yield _durability_of_owner()


def _login(name: str, variable: str, question: str, otherwise: str) -> Measurement:
    def found(is_well: bool, sentence: str) -> Measurement:
        return Measurement(f"login_{name}", is_well, f"{variable}: {sentence}", SETUP_FIX)

    try:
        with _connect(name) as connection:
            row = connection.execute(question).fetchone()
            user = connection.info.user
    except LookupError:
        return found(False, "it is not set.")
    except psycopg.OperationalError as error:
        return found(False, f"its login cannot connect ({_reason(error)}).")
    except psycopg.Error:
        return found(False, "it cannot be read as an address of PostgreSQL.")
    expected = role_name(_database(), name)
    if user != expected:
        return found(False, f"it names the login {user}, not {expected}.")
    if row is None or not row[0]:
        return found(False, f"the login {user} {otherwise}.")
    return found(True, f"the login {user} connects and may do what it should.")


def _connect(name: str) -> psycopg.Connection:
    """A connection of its own, without the roles of the product's backend. Raises LookupError when
    the login's address is not set."""
    if name == "backup":
        if not settings.DATABASE_BACKUP_URL:
            raise LookupError
        return psycopg.connect(settings.DATABASE_BACKUP_URL, connect_timeout=5)
    wrapper: BaseDatabaseWrapper = connections[DEFAULT_DB_ALIAS if name == "runtime" else "owner"]
    if wrapper.settings_dict["USER"] == "not-configured" or not wrapper.settings_dict["USER"]:
        raise LookupError
    given = wrapper.get_connection_params()
    names = ("host", "port", "user", "password", "dbname", "sslmode", "sslrootcert", "sslcert")
    parameters = {key: value for key, value in given.items() if key in names and value}
    return psycopg.connect(**parameters, connect_timeout=5)


def _reason(error: psycopg.OperationalError) -> str:
    """Why, without addresses and passwords."""
    text = str(error)
    for sign, reason in (
        ("password authentication failed", "its password is wrong, or the login is missing"),
        ("does not exist", "the database or the login is missing"),
        ("Connection refused", "nothing listens there"),
        ("timeout", "no answer in time"),
        ("resolve", "the name of its host is not known"),
    ):
        if sign in text:
            return reason
    return "PostgreSQL refuses it, or does not answer"


def _database() -> str:
    return str(connections[DEFAULT_DB_ALIAS].settings_dict["NAME"])


def _shared_roles() -> Measurement:
    names = [role_name(_database(), suffix) for suffix in _SHARED_ROLES]
    try:
        with _connect("runtime") as connection:
            (count,) = connection.execute(_ROLES, [names]).fetchone() or (0,)
    except (LookupError, psycopg.Error):
        count = 0
    return Measurement(
        "shared_roles",
        is_well=count == len(names),
        found=f"Of the roles door, platform and organizations {count} exist.",
        fix=SETUP_FIX,
    )


def _durability_of_owner() -> Measurement:
    """The owner may have settings of its own, and migrations must last, too."""
    try:
        off = switched_off("owner")
    except Error:
        off = ["not known whether it"]
    return Measurement(
        "durability_of_owner",
        is_well=not off,
        found="What the owner's login writes "
        + (f"may be lost in a crash: {', '.join(off)} is off." if off else "lasts over a crash."),
        fix="Switch it on in postgresql.conf and for this login (`ALTER ROLE … RESET …`).",
    )


# --- The public address --------------------------------------------------------------------------


NTP_FIX = "Let every host keep its clock by NTP (`timedatectl set-ntp true`)."
PROXY_FIX = "Set TRUSTED_PROXIES, and let the proxy send X-Forwarded-Proto."
CERTIFICATE_FIX = "Get a certificate for it and all names below it."


def _public_address(get: Callable[..., httpx.Response] = httpx.get) -> Measurement:
    """Through the proxy, as the world sees it: certificate, way to `web`, and its clock."""
    try:
        answer = get(f"{settings.PUBLIC_BASE_URL}/sign-in/", timeout=PUBLIC_TIMEOUT_SECONDS)
    except httpx.HTTPError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return _public("answers with a certificate that is not valid.", CERTIFICATE_FIX)
        return _public("does not answer yet, so its clock was not compared.")
    if answer.is_redirect:
        return _public("redirects instead of answering.", PROXY_FIX)
    apart = _seconds_apart(answer.headers.get("Date", ""))
    if apart is None or apart <= CLOCK_SECONDS:
        return _public(f"answers {answer.status_code}.")
    return _public(f"answers with a clock {apart:.0f} s away from this host's.", NTP_FIX)


def _public(sentence: str, fix: str = "") -> Measurement:
    """Well unless there is something to fix."""
    return Measurement("public_address", not fix, f"PUBLIC_BASE_URL {sentence}", fix)


def _seconds_apart(date: str) -> float | None:
    try:
        return abs(parsedate_to_datetime(date).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
