"""Recordings stay at Retell: the link is fetched fresh, and what it leads to is passed through, so
that pages load nothing from other hosts and every listening stands in the audit log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
from django.conf import settings
from django.core.cache import cache

from agents.api_access import open_api
from agents.retell import Kind, RetellApiError
from calls.models import Call
from config import outgoing
from tenants.models import Organization

LINK_SECONDS = 60
CHUNK_BYTES = 64 * 1024
MEDIA_TYPES = ("audio/wav", "audio/x-wav", "audio/wave", "audio/mpeg", "audio/ogg", "audio/mp4")
PASSED_HEADERS = ("Content-Length", "Content-Range", "ETag", "Last-Modified")
NO_RECORDING = "Retell has no recording of this call, or has deleted it."
NOT_ALLOWED = (
    "Retell's link leads to a host that is not allowed here, so it was not followed. The operator"
    " can allow it with RECORDING_HOSTS."
)
AWAY = "The recording could not be fetched from Retell just now. Try again in a minute."


class NoRecording(Exception):
    """A sentence: why there is nothing to hear. `status` of the answer that says it."""

    def __init__(self, sentence: str, status: int = 404) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True, slots=True)
class Recording:
    """An open answer: its status (200, 206 or 416), the headers to pass on, and its bytes."""

    status: int
    media_type: str
    headers: dict[str, str]
    chunks: Iterator[bytes]


def has_recording(call: Call) -> bool:
    """Whether an event or a list said there is one."""
    return _stored_link(call) is not None


_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


def one_range(header: str) -> str:
    """A range as players ask for; whatever else was sent asks for everything."""
    return header if _RANGE.fullmatch(header) and header != "bytes=-" else ""


def is_beginning(header: str) -> bool:
    """Whether it is played from its first byte: the parts after it are the same listening."""
    found = _RANGE.fullmatch(header)
    return found is None or found[1].strip("0") == ""


def open_recording(organization: Organization, call: Call, *, byte_range: str = "") -> Recording:
    """Open the recording, or a part of it ("bytes=0-1023"). Raises `NoRecording`.

    Inside the organization's context. Whoever gets it must read or close `chunks`.
    """
    link = _fresh_link(organization, call)
    is_made_up = _is_of_the_demo(organization, link)
    if not is_made_up:
        try:
            outgoing.check_url(link, hosts=settings.RECORDING_HOSTS)
        except outgoing.NotAllowed as error:
            raise NoRecording(NOT_ALLOWED, 502) from error
    return _open(link, byte_range, own_machine=is_made_up)


_MADE_UP = re.compile(r"/recordings/\w+\.wav")


def _is_of_the_demo(organization: Organization, link: str) -> bool:
    """Whether the made-up Retell of `make run` has it, which demo organizations alone may ask.
    Its address is this machine's, so nothing but the path of a recording may follow it."""
    address = settings.DEMO_RETELL_BASE_URL
    if not address or not organization.is_demo or not link.startswith(address):
        return False
    return _MADE_UP.fullmatch(link.removeprefix(address)) is not None


def _stored_link(call: Call) -> str | None:
    for name in ("recording_url", "scrubbed_recording_url"):
        if isinstance(link := call.details.get(name), str) and link:
            return link
    return None


def _fresh_link(organization: Organization, call: Call) -> str:
    """From Retell, because links expire; the stored one where there is no API key. Kept for a
    minute at most, since a player asks for many parts."""
    key = f"recording:{call.pk}"
    if isinstance(known := cache.get(key), str):
        return known
    link = _ask_retell(organization, call) or _stored_link(call)
    if link is None:
        raise NoRecording(NO_RECORDING)
    cache.set(key, link, LINK_SECONDS)
    return link


def _ask_retell(organization: Organization, call: Call) -> str | None:
    try:
        with open_api(organization, patience_seconds=0) as api:
            if api is None:
                return None
            answer = api.call(call.retell_call_id)
    except RetellApiError as error:
        if error.kind is Kind.NOT_FOUND:
            raise NoRecording(NO_RECORDING) from error
        return None
    for name in ("recording_url", "scrubbed_recording_url"):
        if isinstance(link := answer.get(name), str) and link:
            return link
    raise NoRecording(NO_RECORDING)


def _open(link: str, byte_range: str, *, own_machine: bool) -> Recording:
    headers = {"Accept-Encoding": "identity"} | ({"Range": byte_range} if byte_range else {})
    stack = ExitStack()
    try:
        client = stack.enter_context(outgoing.client(own_machine=own_machine))
        response = stack.enter_context(client.stream("GET", link, headers=headers))
    except httpx.HTTPError as error:
        stack.close()
        raise NoRecording(AWAY, 502) from error
    try:
        return _checked(response, stack)
    except NoRecording:
        stack.close()
        raise


def _checked(response: httpx.Response, stack: ExitStack) -> Recording:
    if response.status_code in (403, 404, 410):
        raise NoRecording(NO_RECORDING)
    if response.status_code not in (200, 206, 416):
        raise NoRecording(AWAY, 502)
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    too_large = int(response.headers.get("Content-Length") or 0) > settings.RECORDING_MAX_BYTES
    if too_large or "Content-Encoding" in response.headers:
        raise NoRecording(AWAY, 502)
    return Recording(
        status=response.status_code,
        # Whatever it says it is: nothing but sound is ever shown by a browser.
        media_type=media_type if media_type in MEDIA_TYPES else "application/octet-stream",
        headers={
            name: response.headers[name] for name in PASSED_HEADERS if name in response.headers
        },
        chunks=_chunks(response, stack),
    )


def _chunks(response: httpx.Response, stack: ExitStack) -> Iterator[bytes]:
    left = settings.RECORDING_MAX_BYTES
    try:
        for chunk in response.iter_raw(CHUNK_BYTES):
            left -= len(chunk)
            if left < 0:
                return
            yield chunk
    finally:
        stack.close()
