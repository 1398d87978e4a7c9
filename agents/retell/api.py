"""Retell's API as this product uses it: read everything, set an agent's webhook, publish it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType, TracebackType
from typing import Any, Self

from agents.retell import answers
from agents.retell.answers import (
    AgentSettings,
    AgentVersion,
    Channel,
    Concurrency,
    ListedAgent,
    Page,
    PhoneNumber,
    Raw,
    Workspace,
)
from agents.retell.errors import Kind, RetellApiError
from agents.retell.sending import Route, Sender, Sleep

PAGE_SIZE = 1000  # the most Retell gives
SMALLEST_PAGE_SIZE = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class RetellApi:
    """One key's view of its workspace. Every method raises `RetellApiError`.

    `base_url`: of another Retell than `RETELL_BASE_URL`.
    `workspace_id`: whose budget of requests is used, once it is known; until then the key's.
    `share`: how much of that budget to use at most, so that long jobs leave room to others.
    `patience_seconds`: how long to wait in all, for the budget and between tries; a page has none.
    """

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str = "",
        workspace_id: str = "",
        share: float = 1.0,
        timeout_seconds: float | None = None,
        patience_seconds: float | None = None,
        sleep: Sleep = time.sleep,
    ) -> None:
        self._sender = Sender(
            api_key,
            base_url=base_url,
            workspace_id=workspace_id,
            share=share,
            timeout_seconds=timeout_seconds,
            patience_seconds=patience_seconds,
            sleep=sleep,
        )
        self._send = self._sender.send
        self._sdk = self._sender.sdk

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._sender.close()

    # --- Workspace -------------------------------------------------------------------------------

    def workspace(self) -> Workspace:
        """Whose the key is; the cheapest way to see whether it works."""
        return answers.workspace(_object(self._send(self._sdk.identity.with_raw_response.retrieve)))

    def concurrency(self) -> Concurrency:
        answer = self._send(self._sdk.concurrency.with_raw_response.retrieve)
        return answers.concurrency(_object(answer))

    def phone_numbers(self) -> Iterator[PhoneNumber]:
        for page in self._pages(self._sdk.phone_number.with_raw_response.list):
            yield from map(answers.phone_number, page.items)

    # --- Agents ----------------------------------------------------------------------------------

    def agents(self) -> Iterator[ListedAgent]:
        """All agents, voice and chat. The list has no URLs, events or versions: see `agent`."""
        for page in self._pages(self._sdk.agent.with_raw_response.list):
            yield from map(answers.listed_agent, page.items)

    def agent(
        self, agent_id: str, version: int | str | None = None, *, channel: str = Channel.VOICE
    ) -> AgentSettings:
        """One version, by number or tag; without, the latest, which may be a draft."""
        fields: dict[str, Any] = {} if version is None else {"version": version}
        answer = self._send(self._agent(channel).retrieve, agent_id, **fields)
        return answers.agent_settings(_object(answer))

    def agent_versions(self, agent_id: str) -> Iterator[AgentVersion]:
        """All versions, of voice and chat agents."""
        for page in self._pages(self._sdk.agent.with_raw_response.list_versions, agent_id):
            yield from map(answers.agent_version, page.items)

    def create_agent_draft(self, agent_id: str, *, base_version: int) -> AgentSettings:
        """A draft like a published version, which itself cannot be changed."""
        create = self._sdk.agent.with_raw_response.create_version
        answer = self._send(create, agent_id, base_version=base_version, write=True)
        return answers.agent_settings(_object(answer))

    def set_agent_webhook(
        self,
        agent_id: str,
        *,
        version: int,
        url: str | None,
        events: Sequence[str] | None,
        channel: str = Channel.VOICE,
    ) -> AgentSettings:
        """Set both on a draft. `url` None: the account's URL; `events` None: Retell's defaults.

        Reaches live calls only when that version is published and numbers or tags point at it.
        """
        answer = self._send(
            self._agent(channel).update,
            agent_id,
            version=version,
            webhook_url=url,
            webhook_events=None if events is None else list(events),
            write=True,
        )
        return answers.agent_settings(_object(answer))

    def publish_agent(self, agent_id: str, *, version: int) -> None:
        """Publish a draft in place, of voice and chat agents."""
        publish = self._sdk.agent.with_raw_response.publish
        self._send(publish, agent_id, version=version, write=True)

    def _agent(self, channel: str) -> Any:
        resource = self._sdk.chat_agent if channel == Channel.CHAT else self._sdk.agent
        return resource.with_raw_response

    # --- Calls -----------------------------------------------------------------------------------

    def calls(
        self,
        started_from: datetime,
        started_until: datetime,
        *,
        after_key: str | None = None,
        counted: bool = False,
    ) -> Iterator[Page]:
        """Calls that started between the two, both included, oldest first, page by page.

        With `after_key`, the `next_key` of a page, it goes on behind that page. `counted`: the
        first page says how many there are in all, which costs Retell a query more. Transcripts
        are not in lists: see `call`. Whether calls that never started are, Retell does not say.
        """
        started = [_milliseconds(started_from), -_milliseconds(started_until, sign=-1)]
        criteria = {"start_timestamp": {"type": "range", "op": "bt", "value": started}}
        return self._pages(
            self._sdk.call.with_raw_response.list,
            after_key=after_key,
            first_page={"include_total": True} if counted else {},
            filter_criteria=criteria,
            sort_order="ascending",
        )

    def call(self, call_id: str) -> Raw:
        """Everything about one call, as `calls.reader.read_call` takes it."""
        return _object(self._send(self._sdk.call.with_raw_response.retrieve, call_id))

    # --- Lists -----------------------------------------------------------------------------------

    def _pages(
        self,
        request: Any,
        *arguments: str,
        after_key: str | None = None,
        first_page: Mapping[str, Any] = MappingProxyType({}),
        **fields: Any,
    ) -> Iterator[Page]:
        """Page after page; a page that is too large is asked for again in smaller ones."""
        key, size = after_key or "", PAGE_SIZE
        while True:
            position: Mapping[str, Any] = {"pagination_key": key} if key else first_page
            try:
                answer = self._send(
                    request, *arguments, route=Route.LIST, limit=size, **position, **fields
                )
            except RetellApiError as error:
                if error.kind != Kind.TOO_LARGE or size <= SMALLEST_PAGE_SIZE:
                    raise
                size //= 10
                continue
            page = answers.page(_object(answer))
            yield page
            if not page.next_key:
                return
            if page.next_key == key:
                raise answers.unreadable("A list that goes on where it began.")
            key = page.next_key


def _object(answer: Any) -> Raw:
    if not isinstance(answer, dict):
        raise answers.unreadable("An answer that is no object.")
    return answer


def _milliseconds(moment: datetime, *, sign: int = 1) -> int:
    """Since 1970, rounded down; of the negative with `sign` -1."""
    if moment.tzinfo is None:
        raise ValueError("A time without a zone is no moment.")
    return sign * (moment - _EPOCH) // _MILLISECOND
