"""All settings. What differs between machines comes from the environment; see environment.py."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from config.environment import (
    BASE_DIR,
    backup_key,
    base_url,
    choice,
    clock_time,
    complete_from_local_file,
    count,
    demo_retell_url,
    encryption_keys,
    env,
    long_secret,
    mail_address,
    mail_settings,
    networks,
    release,
    required,
    sentry_dsn,
    trusted_proxies,
)
from config.storage_addresses import storage_address

complete_from_local_file()


class SessionLimits(NamedTuple):
    idle: timedelta
    absolute: timedelta


ENVIRONMENT = choice("ENVIRONMENT", ("development", "test", "production"), "development")
PRODUCTION = ENVIRONMENT == "production"
DEBUG = env.bool("DEBUG", False)
# Shown to the operator only, and told to Sentry.
RELEASE = release("RELEASE")

_start_hint = "Run `make run` once, or set it as the README's section on production says."
SECRET_KEY = required("SECRET_KEY", _start_hint)
# Key ring of AES-256-GCM keys, newest first: "2:base64,1:base64". See tenants/encryption.py.
ENCRYPTION_KEYS = encryption_keys("ENCRYPTION_KEYS", _start_hint)
BACKUP_KEY = backup_key("BACKUP_KEY")
# Dumps of deleted organizations, beside the database.
BACKUP_DIR = env.str("BACKUP_DIR", str(BASE_DIR / "var" / "backups"))
# Backups: see operations/backups. A folder of this machine goes with it, so production names one.
BACKUP_STORAGE = storage_address(
    "BACKUP_STORAGE", f"file://{quote(BACKUP_DIR)}", https_only=PRODUCTION
)
# The login that reads everything; only `worker` and commands need it.
DATABASE_BACKUP_URL = env.str("DATABASE_BACKUP_URL", "")
# The worker makes a backup each day at this time of UTC, and proves it by restoring it.
BACKUP_TIME = clock_time("BACKUP_TIME", "02:30")
BACKUP_KEEP_DAILY = count("BACKUP_KEEP_DAILY", 7)
BACKUP_KEEP_WEEKLY = count("BACKUP_KEEP_WEEKLY", 5)
BACKUP_KEEP_MONTHLY = count("BACKUP_KEEP_MONTHLY", 12)

# --- Addresses -----------------------------------------------------------------------------------
PORT = env.int("PORT", 8000)
PUBLIC_BASE_URL = base_url("PUBLIC_BASE_URL", f"http://localhost:{PORT}", https_only=PRODUCTION)
_base = urlsplit(PUBLIC_BASE_URL)
SECURE = _base.scheme == "https"
BASE_DOMAIN = _base.hostname or "localhost"
# In development both names of this machine reach the operator host.
OPERATOR_HOSTS = {BASE_DOMAIN} | (set() if PRODUCTION else {"localhost", "127.0.0.1", "[::1]"})
# Custom domains are data, so the host is decided by tenants/middleware.py, which answers 404 to
# every name that is neither the operator's nor an organization's.
ALLOWED_HOSTS = ["*"]
LIVE_PORT = env.int("LIVE_PORT", PORT + 1)
# In production the proxy routes the path; in development `live` listens on a port of its own.
LIVE_PATH = "/live/"
# Whether an installation without a running `live` is ill; pages work without it, more slowly.
LIVE_EXPECTED = env.bool("LIVE_EXPECTED", True)
TRUSTED_PROXIES = trusted_proxies("TRUSTED_PROXIES")

# --- Applications --------------------------------------------------------------------------------
SHARED_APPS = [
    "django_tenants",
    "tenants",
    "audit",
    "auditlog",
    "accounts",
    "notifications",
    "operations",
    "config",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.admin",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp_webauthn",
    "procrastinate.contrib.django",
    "rest_framework",
    "drf_spectacular_sidecar",
    "django_htmx",
    "django_filters",
    "channels",
]
TENANT_APPS = [
    "jobs",
    "notices",
    "agents",
    "calls",
    "completeness",
    "exports",
    "analytics",
    "webhooks",
]
INSTALLED_APPS = SHARED_APPS + TENANT_APPS

TENANT_MODEL = "tenants.Organization"
TENANT_DOMAIN_MODEL = "tenants.Domain"
PUBLIC_SCHEMA_NAME = "public"
PUBLIC_SCHEMA_URLCONF = "config.urls_operator"
ROOT_URLCONF = "config.urls_organization"
TENANT_SYNC_ROUTER = "tenants.db.router.SchemaRouter"
DATABASE_ROUTERS = [TENANT_SYNC_ROUTER]

# --- Databases -----------------------------------------------------------------------------------
DATABASE_STATEMENT_TIMEOUT_MS = env.int("DATABASE_STATEMENT_TIMEOUT_MS", 30_000)
# Whether to start on a PostgreSQL that a crash makes forget; see tenants/db/durability.py.
REFUSE_FORGETFUL_DATABASE = env.bool("REFUSE_FORGETFUL_DATABASE", PRODUCTION)


def _database(url_name: str, *, roles: bool) -> dict[str, Any]:
    """`roles`: this login owns nothing and works as one of the roles of tenants/db/roles.py."""
    timeouts = f" -c statement_timeout={DATABASE_STATEMENT_TIMEOUT_MS}" if roles else ""
    config: dict[str, Any] = env.db_url_config(
        env.str(url_name, "") or "postgresql://not-configured@localhost/switchboard"
    )
    config |= {
        "ENGINE": "tenants.db",
        "TENANT_ROLES": roles,
        "CONN_MAX_AGE": None,
        # One round trip a request, so that a restarted database costs nobody an error page.
        "CONN_HEALTH_CHECKS": roles,
        "DISABLE_SERVER_SIDE_CURSORS": False,
    }
    config["OPTIONS"] = config.get("OPTIONS", {}) | {
        # Django would otherwise call set_config(), which the runtime may not execute. Statements
        # that are short but estimated to be long would be compiled for longer than they run.
        "options": f"-c TimeZone=UTC -c jit=off{timeouts}",
        "connect_timeout": 5,
        "application_name": "switchboard",
        "server_side_binding": roles,
        # Nothing is prepared by count; statements that want it ask for it.
        "prepare_threshold": 2**31 - 1 if roles else None,
    }
    return config


DATABASES = {
    "default": _database("DATABASE_URL", roles=True),
    # Migrations and provisioning only. Absent in `web` of a hardened installation.
    "owner": _database("DATABASE_OWNER_URL", roles=False),
}
# Organization roles of plain PostgreSQL cannot log in; Citus needs them to (without a password).
ORGANIZATION_ROLES_CAN_LOGIN = env.bool("ORGANIZATION_ROLES_CAN_LOGIN", False)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis or Valkey: cache, limits, live signals; losing it loses nothing ------------------------
REDIS_URL = env.str("REDIS_URL", "redis://127.0.0.1:6379/0")
# Nobody waits long for it. The same for both caches: connections are pooled by address.
_CACHE_OPTIONS = {
    "IGNORE_EXCEPTIONS": True,
    "SOCKET_CONNECT_TIMEOUT": 0.5,
    "SOCKET_TIMEOUT": 0.5,
}
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_FUNCTION": "tenants.cache.organization_key",
        "OPTIONS": {**_CACHE_OPTIONS, "LOG_IGNORED_EXCEPTIONS": True},
    },
    # Counters of config/limits.py: not an organization's.
    "limits": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "limits",
        "OPTIONS": _CACHE_OPTIONS,
    },
}
RATELIMIT_USE_CACHE = "limits"
# What cannot be counted is let through, or not: each tier says it, see config/limits.py.
RATELIMIT_FAIL_OPEN = True
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "switchboard-live"},
    }
}

# --- Requests ------------------------------------------------------------------------------------
MIDDLEWARE = [
    "config.middleware.RequestIdMiddleware",
    "config.metrics.MetricsMiddleware",
    "config.headers.SecurityHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    # Above the policy for pages, which costs it a tenth of its time; it sends one of its own.
    "webhooks.middleware.WebhookPathMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.middleware.NulMiddleware",
    "operations.probes.ProbeMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tenants.middleware.HostMiddleware",
    "operations.middleware.AllowListMiddleware",
    "config.api.cors.OriginMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "accounts.middleware.StandingMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.navigation.page_shell",
            ],
            "builtins": ["config.templatetags.icons", "config.templatetags.formats"],
        },
    }
]
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
CSRF_FAILURE_VIEW = "config.errors.csrf_failure"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": ["config.throttles.TierThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["config.api.parsers.TotalJSONParser"],
    "EXCEPTION_HANDLER": "config.api.problems.handle",
    "UNAUTHENTICATED_USER": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Switchboard",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_SPLIT_PATCH": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "PREPROCESSING_HOOKS": ["config.api.document.only_this_version"],
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "bearer": {
                "type": "http",
                "scheme": "bearer",
                "description": "An API key (swb_…), or the access token of a person's program.",
            }
        }
    },
}

# --- Rate limits: times per period; whom they are counted for stands in config/limits.py ----------
# What production is shipped with; the readiness page says which were loosened.
SHIPPED_LIMITS = {
    "PAGE_LIMIT": "1000/15m",
    "REFRESH_LIMIT": "8000/15m",
    "SIGN_IN_LIMIT": "10/5m",
    "SIGN_IN_ACCOUNT_LIMIT": "20/15m",
    # Refused deliveries only; a correctly signed one is never limited (Retell tries three times).
    "WEBHOOK_REFUSED_LIMIT": "120/m",
    "API_READ_LIMIT": "600/m",
    "API_WRITE_LIMIT": "120/m",
    "EXPORT_LIMIT": "20/h",
}
PAGE_LIMIT = env.str("PAGE_LIMIT", SHIPPED_LIMITS["PAGE_LIMIT"])
REFRESH_LIMIT = env.str("REFRESH_LIMIT", SHIPPED_LIMITS["REFRESH_LIMIT"])
SIGN_IN_LIMIT = env.str("SIGN_IN_LIMIT", SHIPPED_LIMITS["SIGN_IN_LIMIT"])
SIGN_IN_ACCOUNT_LIMIT = env.str("SIGN_IN_ACCOUNT_LIMIT", SHIPPED_LIMITS["SIGN_IN_ACCOUNT_LIMIT"])
WEBHOOK_REFUSED_LIMIT = env.str("WEBHOOK_REFUSED_LIMIT", SHIPPED_LIMITS["WEBHOOK_REFUSED_LIMIT"])
API_READ_LIMIT = env.str("API_READ_LIMIT", SHIPPED_LIMITS["API_READ_LIMIT"])
API_WRITE_LIMIT = env.str("API_WRITE_LIMIT", SHIPPED_LIMITS["API_WRITE_LIMIT"])
EXPORT_LIMIT = env.str("EXPORT_LIMIT", SHIPPED_LIMITS["EXPORT_LIMIT"])
SECOND_FACTOR_LIMITS = ("5/5m", "20/h")

# --- Webhooks ------------------------------------------------------------------------------------
WEBHOOK_MAX_BODY_BYTES = 20 * 1024 * 1024
WEBHOOK_ENDPOINT_CACHE_SECONDS = float(env.str("WEBHOOK_ENDPOINT_CACHE_SECONDS", "10"))
UNREADABLE_BODY_RETENTION_DAYS = 30
# Of the others, where an organization decided nothing.
RAW_BODY_RETENTION_DAYS = 90

# --- Retell's API: see agents/retell --------------------------------------------------------------
RETELL_BASE_URL = base_url(
    "RETELL_BASE_URL",
    "https://api.retellai.com",
    https_only=PRODUCTION,
    why="or API keys and transcripts would travel in the clear",
)
# Instead, for organizations marked as demo; `make run` sets it and production refuses it.
DEMO_RETELL_BASE_URL = demo_retell_url("DEMO_RETELL_BASE_URL", allowed=not PRODUCTION)
# For connecting, for each part of an answer, and for the whole of it.
RETELL_TIMEOUT_SECONDS = count("RETELL_TIMEOUT_SECONDS", 30)
RETELL_TRIES = count("RETELL_TRIES", 5)
# A wait that Retell asks for is cut to this; what all waits of one request may come to.
RETELL_MAX_WAIT_SECONDS = 60.0
RETELL_PATIENCE_SECONDS = 180.0
# A page of 1000 calls is about 3 MB; metadata and variables can make it more.
RETELL_MAX_BODY_BYTES = 32 * 1024 * 1024
# Requests of one workspace in any 10 seconds. Retell allows 15 and 100; the rest is left to the
# agency's own tools.
RETELL_LIST_BUDGET = count("RETELL_LIST_BUDGET", 7)
RETELL_GENERAL_BUDGET = count("RETELL_GENERAL_BUDGET", 50)
RETELL_BUDGET_SECONDS = 10.0
# While somebody waits for a page that checks their key; it is tried once.
RETELL_CHECK_SECONDS = 8.0
# An old signing key or webhook URL is safe to remove once only the new one was needed this long.
RETELL_KEY_QUIET_HOURS = count("RETELL_KEY_QUIET_HOURS", 24)

# --- Completeness: comparing with Retell's list of calls -----------------------------------------
# The list may lag behind: what started within this is left for the next comparison.
RECONCILE_MARGIN_SECONDS = 120
RECONCILE_OVERLAP_HOURS = 2
# Once an hour further back, for costs that came late.
RECONCILE_DEEP_HOURS = 48
# Transcripts and open calls that one scheduled comparison asks for one by one; what somebody asks
# for fetches all transcripts.
RECONCILE_SINGLE_CALLS = 500
# No call lasts longer; one that is open for longer lost its last webhook.
STUCK_CALL_HOURS = 3

# --- Recordings and other requests to addresses that somebody else chose ------------------
# Hosts that Retell's links to recordings may lead to; `*.` fits every name below.
RECORDING_HOSTS: list[str] = env.list(
    "RECORDING_HOSTS", default=["*.cloudfront.net", "*.amazonaws.com", "*.retellai.com"]
)
RECORDING_MAX_BYTES = 512 * 1024 * 1024
# Plain http and this machine's own addresses, for development and tests only.
OUTGOING_INSECURE = not PRODUCTION and env.bool("OUTGOING_INSECURE", False)

# --- People --------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.DoorBackend"]
AUTH_PASSWORD_VALIDATORS = [{"NAME": "accounts.passwords.PasswordPolicy"}]
PASSWORD_MIN_LENGTH = 15
PASSWORD_MIN_GUESSES = 10**10
# For who has a second factor: eight random characters pass.
PASSWORD_MIN_LENGTH_WITH_FACTOR = 8
PASSWORD_MIN_GUESSES_WITH_FACTOR = 10**8
# How long the link in the mail works.
PASSWORD_RESET_TIMEOUT = 3600
# Mails to one account; the page answers the same above it.
RESET_MAIL_LIMIT = "5/h"
EMAIL_CHANGE_VALID_HOURS = 24
EMAIL_CHANGE_LIMIT = "5/h"
# The entries are our own, written by audit.actions.record(): nothing is registered with auditlog.
AUDITLOG_LOGENTRY_MODEL = "audit.Entry"
AUDITLOG_DISABLE_REMOTE_ADDR = True
LOGIN_URL = "accounts:sign_in"
LOGIN_REDIRECT_URL = "/"
INVITATION_VALID_DAYS = 7
OTP_TOTP_ISSUER = "Switchboard"
RECOVERY_CODES = 10
RECOVERY_CODES_FEW = 3  # from here on, people are asked to make new ones
OTP_WEBAUTHN_RP_NAME = "Switchboard"
OTP_WEBAUTHN_RP_ID_CALLABLE = "accounts.passkeys.relying_party"
OTP_WEBAUTHN_HELPER_CLASS = "accounts.passkeys.PasskeyHelper"
# A second factor only: nobody comes in without their password.
OTP_WEBAUTHN_ALLOW_PASSWORDLESS_LOGIN = False

SESSION_ENGINE = "accounts.sessions"
# `__Host-` binds a cookie to one host and needs https; in development curl and Python clients
# would drop a Secure cookie, so plain names are used there.
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "switchboard_session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "switchboard_csrf"
DEVICE_COOKIE_NAME = "__Host-device" if SECURE else "switchboard_device"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600
# How long a session lasts without a request, and at most; see accounts.models.Session.
SESSION_LIMITS = {
    "member": SessionLimits(idle=timedelta(hours=12), absolute=timedelta(days=14)),
    "super_admin": SessionLimits(idle=timedelta(minutes=30), absolute=timedelta(hours=12)),
    "acting": SessionLimits(idle=timedelta(minutes=30), absolute=timedelta(minutes=30)),
}
# Sections that are kept when somebody goes from one organization to another.
SECTIONS = ("calls", "agents", "deliveries", "settings", "audit", "account")
# How long an operator may use an organization's consent to look inside.
VISIT_CONSENT_VALID_HOURS = 24
# After this, keys, people, domains, exports of personal data and deletion ask who it is again.
CONFIRMED_SECONDS = 30 * 60
SECURE_SSL_REDIRECT = SECURE and env.bool("SSL_REDIRECT", True)
# Load balancers and Prometheus ask over http inside the network.
SECURE_REDIRECT_EXEMPT = [r"^health(/ready)?/?$", r"^metrics/?$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if SECURE else 0
# On the product's own hosts only; customers' domains get neither, see config/headers.py.
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_HSTS_PRELOAD = False
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SILENCED_SYSTEM_CHECKS = [
    "security.W021",  # no HSTS preload: an installation's own domain is its operator's to enter
    "security.W002",  # X-Frame-Options is sent by SecurityHeadersMiddleware
    "otp_webauthn.E030",  # the origin a passkey answers for is the request's, see PasskeyHelper
]

_live_origins = (
    [] if PRODUCTION else [f"ws://*.localhost:{LIVE_PORT}", f"ws://localhost:{LIVE_PORT}"]
)
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'", *_live_origins],
        "media-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

# --- Mail: sent by jobs only, see config/mail.py --------------------------------------------------
# Without a server: files in development, which /dev/mailbox/ shows; nothing in production, where
# `check --deploy` warns of it and sending fails.
_mail_folder = str(BASE_DIR / ".local" / ("test/mail" if ENVIRONMENT == "test" else "mail"))
_mail_defaults = {
    "development": f"filemail://{quote(_mail_folder)}",
    "test": "memorymail://",
    "production": "dummymail://",
}
_mail = mail_settings("EMAIL_URL", _mail_defaults[ENVIRONMENT], tls_only=PRODUCTION)
MAIL_IS_CONFIGURED = not PRODUCTION or bool(env.str("EMAIL_URL", ""))
EMAIL_BACKEND = _mail["EMAIL_BACKEND"]
EMAIL_HOST = _mail["EMAIL_HOST"] or ""
EMAIL_PORT = _mail["EMAIL_PORT"]
EMAIL_HOST_USER = _mail["EMAIL_HOST_USER"] or ""
EMAIL_HOST_PASSWORD = _mail["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS = _mail.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _mail.get("EMAIL_USE_SSL", False)
EMAIL_FILE_PATH = _mail["EMAIL_FILE_PATH"] or _mail_folder
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = mail_address(
    "MAIL_FROM", f"Switchboard <switchboard@{BASE_DOMAIN}>"
)

# --- Pages ---------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-us"
# The pages are in English; the choice decides how dates and times are written.
LANGUAGES = [("en-us", "English (United States)"), ("en-gb", "English (United Kingdom)")]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
STATIC_URL = "/static/"
# Only production collects; elsewhere WhiteNoise finds the files where they are.
STATIC_ROOT = BASE_DIR / "var" / "static" if PRODUCTION else None
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "config.fonts.InterFinder",
]
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_ALLOW_ALL_ORIGINS = False  # our scripts and fonts are for our own pages
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# --- Metrics: see operations/probes.py ------------------------------------------------------------
# Who may ask for `/metrics`: from these addresses and networks, or with this token. Nobody else.
METRICS_ALLOWED = networks("METRICS_ALLOWED")
METRICS_TOKEN = long_secret("METRICS_TOKEN")
# Shared by the processes of one host, and private; see config/metric_files.py.
METRICS_DIR = env.str("METRICS_DIR", str(BASE_DIR / "var" / "metrics"))

# --- Errors: see config/sentry.py -----------------------------------------------------------------
SENTRY_DSN = sentry_dsn("SENTRY_DSN")
SENTRY_ENVIRONMENT = env.str("SENTRY_ENVIRONMENT", ENVIRONMENT)

# --- Logs ----------------------------------------------------------------------------------------
# "line" is for people, "json" for machines: one record a line, exceptions too.
LOG_FORMAT = choice("LOG_FORMAT", ("line", "json"), "json" if PRODUCTION else "line")
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "config.middleware.RequestIdFilter"}},
    "formatters": {
        "line": {"()": "config.logs.formatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["request_id"],
        },
        "sentry": {"class": "config.sentry.SentryHandler", "filters": ["request_id"]},
    },
    "root": {"handlers": ["console", "sentry"], "level": env.str("LOG_LEVEL", "INFO")},
    "loggers": {
        # They bring handlers of their own; the root's are everybody's.
        "_granian": {"handlers": [], "propagate": True},
        "uvicorn": {"handlers": [], "propagate": True},
        "uvicorn.error": {"handlers": [], "propagate": True},
        # Bodies and query strings never reach a log; the request line of a 4xx adds nothing.
        "django.request": {"level": "ERROR"},
        "django.security.csrf": {"level": "ERROR"},
        "procrastinate": {"level": "WARNING"},
        # Says of a failed job what it was called with; operations/jobs.py says which it was.
        "procrastinate.worker": {"level": "CRITICAL"},
        # A line a request to Retell, and at DEBUG what was sent: webhook URLs, for one.
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        "retell": {"level": "WARNING"},
        "fontTools": {"level": "WARNING"},
    },
}

if ENVIRONMENT == "test":
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
