"""The endpoints, over HTTP on loopback. Remembers what was asked of it."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from operations.demo.retell_api.lists import invalid, list_calls, list_page
from operations.demo.retell_api.workspaces import Agent, Key, Refusal, Workspace
from operations.demo.stories import Body

REMEMBERED = 20_000
# Per workspace and route, in any 10 seconds.
LIMITS = {"list": 15, "general": 100}
LIMIT_SECONDS = 10.0
# What update-agent takes here; Retell takes many more.
_UPDATABLE = {
    "agent_name", "webhook_url", "webhook_events", "webhook_timeout_ms", "data_storage_setting",
    "data_storage_retention_days", "opt_in_signed_url", "signed_url_expiration_ms",
}  # fmt: skip


@dataclass(frozen=True)
class Request:
    """A request as it came: `path` without the query, header names in lower case."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Body = field(default_factory=dict)
    at: float = 0.0

    @property
    def key(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")


Answer = tuple[int, Body | None]
Answered = tuple[int, Body | None, dict[str, str]]
Endpoint = Callable[[Workspace, Request, str], Answer]


# --- Endpoints -----------------------------------------------------------------------------------


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _agent(workspace: Workspace, agent_id: str, channel: str = "") -> Agent:
    agent = workspace.agents.get(agent_id)
    if agent is None or channel not in ("", agent.channel):
        raise Refusal(404, "Agent not found.")
    return agent


def _no_more_than(fields: Body, allowed: set[str]) -> None:
    if unknown := set(fields) - allowed:
        raise invalid(f"Unknown: {', '.join(sorted(unknown))}.")


def _key_info(workspace: Workspace, request: Request, _: str) -> Answer:
    name = workspace.keys[request.key].name
    return 200, {"org_id": workspace.org_id, "org_name": workspace.name, "api_key_name": name}


def _list_agents(workspace: Workspace, request: Request, _: str) -> Answer:
    _no_more_than(request.body, {"filter_criteria"})
    items = [agent.listed() for agent in workspace.agents.values()]
    return 200, list_page(items, request.query)


def _get_agent(channel: str) -> Endpoint:
    def get(workspace: Workspace, request: Request, agent_id: str) -> Answer:
        agent = _agent(workspace, agent_id, channel)
        return 200, agent.full(agent.version(request.query.get("version")))

    return get


def _update_agent(channel: str) -> Endpoint:
    def update(workspace: Workspace, request: Request, agent_id: str) -> Answer:
        _no_more_than(request.body, _UPDATABLE)
        agent = _agent(workspace, agent_id, channel)
        version = agent.update(request.query.get("version"), request.body, _now_ms())
        return 200, agent.full(version)

    return update


def _list_versions(workspace: Workspace, request: Request, agent_id: str) -> Answer:
    names = ("version", "base_version", "is_published", "last_modification_timestamp")
    versions = _agent(workspace, agent_id).versions
    items = [{name: version[name] for name in names if name in version} for version in versions]
    return 200, list_page(items, request.query)


def _create_version(workspace: Workspace, request: Request, agent_id: str) -> Answer:
    _no_more_than(request.body, {"base_version"})
    agent = _agent(workspace, agent_id)
    return 201, agent.full(agent.branch(request.body["base_version"], _now_ms()))


def _publish(workspace: Workspace, request: Request, agent_id: str) -> Answer:
    _no_more_than(request.body, {"version", "version_title", "version_description"})
    _agent(workspace, agent_id).publish(request.body["version"])
    return 200, None


def _list_calls(workspace: Workspace, request: Request, _: str) -> Answer:
    return 200, list_calls(workspace.calls_for(request.body), request.body)


def _get_call(workspace: Workspace, _: Request, call_id: str) -> Answer:
    call = workspace.call(call_id)
    if call is None:
        raise Refusal(404, "Call not found.")
    return 200, call


def _list_numbers(workspace: Workspace, request: Request, _: str) -> Answer:
    return 200, list_page(workspace.phone_numbers, request.query)


def _concurrency(workspace: Workspace, _request: Request, _: str) -> Answer:
    return 200, workspace.concurrency


ENDPOINTS: list[tuple[str, re.Pattern[str], Endpoint]] = [
    (method, re.compile(pattern), endpoint)
    for method, pattern, endpoint in (
        ("GET", r"/get-api-key-info()", _key_info),
        ("POST", r"/v2/list-agents()", _list_agents),
        ("GET", r"/get-agent/([^/]+)", _get_agent("voice")),
        ("GET", r"/get-chat-agent/([^/]+)", _get_agent("chat")),
        ("PATCH", r"/update-agent/([^/]+)", _update_agent("voice")),
        ("PATCH", r"/update-chat-agent/([^/]+)", _update_agent("chat")),
        ("GET", r"/list-agent-versions/([^/]+)", _list_versions),
        ("POST", r"/create-agent-version/([^/]+)", _create_version),
        ("POST", r"/publish-agent-version/([^/]+)", _publish),
        ("POST", r"/v3/list-calls()", _list_calls),
        ("GET", r"/v2/get-call/([^/]+)", _get_call),
        ("GET", r"/v2/list-phone-numbers()", _list_numbers),
        ("GET", r"/get-concurrency()", _concurrency),
    )
]
WRITES = ("/update-", "/create-", "/publish-")


# --- Server --------------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    """One connection, kept open for more requests."""

    server: RetellServer
    protocol_version = "HTTP/1.1"
    # Head and body are two writes; without this the second waits for the client.
    disable_nagle_algorithm = True
    timeout = 60

    def answer(self) -> None:
        parts = urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(
            self.command,
            unquote(parts.path),
            dict(parse_qsl(parts.query)),
            {name.lower(): value for name, value in self.headers.items()},
            json.loads(raw) if raw else {},
            time.monotonic(),
        )
        self.server.requests.append(request)
        self.server.handle(self, request)

    do_GET = do_POST = do_PATCH = answer  # noqa: N815 - the names http.server asks for

    def send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in ({"Content-Type": "application/json"} | dict(headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class RetellServer(ThreadingHTTPServer):
    """Several workspaces at one address. `enforces_limits`: answers 429 where Retell would."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int = 0, *, enforces_limits: bool = False) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.workspaces: list[Workspace] = []
        self.requests: deque[Request] = deque(maxlen=REMEMBERED)
        self.enforces_limits = enforces_limits
        self.lock = threading.Lock()
        self._sent: defaultdict[tuple[str, str], deque[float]] = defaultdict(deque)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no error; of anything else the client gets no answer."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def add_workspace(self, name: str, key: str, *, org_id: str = "") -> Workspace:
        slug = re.sub(r"\W", "", name)
        workspace = Workspace(org_id or f"org_{slug}", name, {key: Key()})
        self.workspaces.append(workspace)
        return workspace

    def handle(self, handler: Handler, request: Request) -> None:
        status, body, headers = self.work_out(request)
        text = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        handler.send(status, text, headers)

    def work_out(self, request: Request) -> Answered:
        """Status, body and headers of the answer."""
        try:
            workspace = self._workspace_of(request)
            if headers := self._over_limit(workspace, request):
                return 429, error("Too many API requests, please try again later."), headers
            with self.lock:
                return *_endpoint(workspace, request), {}
        except Refusal as refusal:
            return refusal.status, error(refusal.message), {}

    def _workspace_of(self, request: Request) -> Workspace:
        for workspace in self.workspaces:
            if (key := workspace.keys.get(request.key)) is not None:
                if not _is_allowed(key, request.path):
                    raise Refusal(403, "This API key has no access to this resource.")
                return workspace
        raise Refusal(401, "API key is missing or invalid.")

    def _over_limit(self, workspace: Workspace, request: Request) -> dict[str, str]:
        """Retell's headers of a 429, or none; requests over the limit do not count (assumed)."""
        kind = "list" if "/list-" in request.path else "general"
        now = time.monotonic()
        with self.lock:
            sent = self._sent[
                workspace.org_id, request.path.split("/")[-2 if kind == "general" else -1]
            ]
            while sent and sent[0] <= now - LIMIT_SECONDS:
                sent.popleft()
            if not self.enforces_limits or len(sent) < LIMITS[kind]:
                sent.append(now)
                return {}
            wait = sent[0] + LIMIT_SECONDS - now
        return {
            "X-RateLimit-Limiter": kind,
            "RateLimit-Limit": str(LIMITS[kind]),
            "RateLimit-Remaining": "0",
            "RateLimit-Reset": str(int(wait) + 1),
        }


def _route(path: str) -> str:
    """`get-call` of /v2/get-call/call_1."""
    found = re.match(r"/(?:v\d+/)?([\w-]+)", path)
    return found[1] if found else path


def error(message: str) -> Body:
    return {"status": "error", "message": message}


def _is_allowed(key: Key, path: str) -> bool:
    if path == "/get-api-key-info":
        return True
    return key.may_edit if path.startswith(WRITES) else key.may_read


def _endpoint(workspace: Workspace, request: Request) -> Answer:
    for method, pattern, endpoint in ENDPOINTS:
        if method == request.method and (found := pattern.fullmatch(request.path)):
            return endpoint(workspace, request, found[1])
    raise Refusal(404, "Not found.")
