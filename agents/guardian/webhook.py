"""Whether an agent's events come here: its URL, its events, its versions and tags."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from agents.guardian.finding import Finding, Heard, OwnUrls, Severity
from agents.models import Agent
from agents.retell import Channel
from agents.versions import Facts, Version

WANTED_EVENTS = {
    Channel.VOICE: ("call_started", "call_ended", "call_analyzed"),
    Channel.CHAT: ("chat_started", "chat_ended", "chat_analyzed"),
}
NOT_STORED = "Its calls are not stored unless the ten-minute comparison finds them."
NOT_STORED_CHAT = "Its chats are not stored: only webhooks bring them."


def _not_stored(agent: Agent) -> str:
    return NOT_STORED_CHAT if agent.channel == Channel.CHAT else NOT_STORED


def is_right(facts: Facts, own: OwnUrls, now: datetime) -> bool:
    """Whether its events come here, as far as the agent decides it."""
    webhook = facts.webhook
    return not webhook.address or own.are_valid(webhook.token_sha256, now)


def missing_events(agent: Agent, facts: Facts) -> list[str]:
    wanted = WANTED_EVENTS[Channel.CHAT if agent.channel == Channel.CHAT else Channel.VOICE]
    return [] if facts.events is None else [e for e in wanted if e not in facts.events]


def _draft_is_right(agent: Agent, own: OwnUrls, now: datetime) -> Version | None:
    """The draft, if publishing it would mend webhook and events."""
    draft = agent.draft_version
    if draft is None or draft.facts is None or agent.published_version is None:
        return None
    right = is_right(draft.facts, own, now) and not missing_events(agent, draft.facts)
    return draft if right else None


def webhook(agent: Agent, own: OwnUrls, heard: Heard, now: datetime) -> Iterator[Finding]:
    live, facts = agent.live_version, agent.live_facts
    if live is None or facts is None:
        return
    webhook = facts.webhook
    if not is_right(facts, own, now):
        yield _wrong_url(agent, live, facts, own, now)
    elif until := own.ends_at(webhook.token_sha256):
        yield Finding(
            "url_ends",
            Severity.RISK,
            f"Its own webhook URL is an old one of ours, which works until {until:%Y-%m-%d} UTC.",
            f"From then on: {_not_stored(agent)[0].lower()}{_not_stored(agent)[1:]}",
            "Set the current URL before then.",
            is_fixable=True,
        )
    elif heard.by_comparison and not heard.by_webhook:
        yield _unheard(agent, facts)


def _wrong_url(agent: Agent, live: Version, facts: Facts, own: OwnUrls, now: datetime) -> Finding:
    webhook = facts.webhook
    cost = f"{_not_stored(agent)} Open pages do not show them while they run."
    remedy = "Set this organization's URL, or remove the agent's own URL in Retell."
    if draft := _draft_is_right(agent, own, now):
        return _unpublished(draft, live, "sends its events elsewhere", cost)
    if webhook.token_sha256:
        title = "Its own webhook URL is one of ours that does not work any more, or another's."
        return Finding("url_expired", Severity.LOSES, title, cost, remedy, is_fixable=True)
    title = f"Its own webhook URL leads to {webhook.host}, so the account's URL gets nothing of it."
    return Finding("bypass", Severity.LOSES, title, cost, remedy, is_fixable=True)


def _unpublished(draft: Version, live: Version, what: str, cost: str) -> Finding:
    return Finding(
        "unpublished",
        Severity.LOSES,
        f"Version {draft.number} has it right but is not published; calls use version"
        f" {live.number}, which {what}.",
        cost,
        f"Publish version {draft.number} in Retell, or set the webhook from here: that makes a"
        f" version of its own from version {live.number}.",
        is_fixable=True,
    )


def _unheard(agent: Agent, facts: Facts) -> Finding:
    title = "For a day, its calls came by the comparison alone; no webhook brought one."
    cost = "They are ten minutes late and arrive without live state, and chats do not arrive."
    if facts.webhook.address:
        remedy = (
            "Its URL is right. Look under Deliveries for refused ones: the signing key here may"
            " not be the one with the webhook badge in Retell."
        )
        return Finding("unheard", Severity.RISK, title, cost, remedy)
    remedy = (
        "It has no webhook URL of its own: paste this organization's URL into Retell's account"
        " settings, which covers all agents, or set it on this agent."
    )
    return Finding("unheard", Severity.RISK, title, cost, remedy, is_fixable=True)


def drafts(agent: Agent) -> Iterator[Finding]:
    """What is not published and would change how events and data are handled. Drafts that change
    something else are somebody's everyday work."""
    draft, live = agent.draft_version, agent.live_version
    if draft is None or live is None:
        return
    if agent.published_version is None:
        yield Finding(
            "never_published",
            Severity.NOTE,
            "It was never published.",
            "Phone numbers that follow what is published do not use it.",
            "Publish it in Retell when it is ready.",
        )
    elif draft.facts != live.facts:
        yield Finding(
            "draft",
            Severity.NOTE,
            f"Version {draft.number} is not published; calls use version {live.number}.",
            "Its webhook, events or storage are others than those that calls use now.",
            "Look at them before it is published in Retell.",
        )


_LOST_WITH = {
    "started": "while they run they are not shown",
    "ended": "their end, duration and cost come ten minutes late, by the comparison",
    "analyzed": "their summary, success and sentiment come late, by the comparison",
}
_LOST_WITH_CHAT = {
    "started": "while they run they are not shown",
    "ended": "their end, messages and cost do not arrive",
    "analyzed": "their summary, success and sentiment do not arrive",
}


def events(agent: Agent, own: OwnUrls, now: datetime) -> Iterator[Finding]:
    live, facts = agent.live_version, agent.live_facts
    if live is None or facts is None or not is_right(facts, own, now):
        return
    missing = missing_events(agent, facts)
    if not missing:
        return
    is_chat = agent.channel == Channel.CHAT
    losses = _LOST_WITH_CHAT if is_chat else _LOST_WITH
    what = "; ".join(losses[event.partition("_")[2]] for event in missing)
    cost = f"Of its {'chats' if is_chat else 'calls'}: {what}."
    names = " and ".join(missing)
    if draft := _draft_is_right(agent, own, now):
        yield _unpublished(draft, live, f"does not send {names}", cost)
        return
    loses = any(event.endswith("_ended") for event in missing)
    yield Finding(
        "events",
        Severity.LOSES if loses else Severity.RISK,
        f"It does not send {names}.",
        cost,
        "Set the events: what it sends already, and these.",
        is_fixable=True,
    )


def tags(agent: Agent, own: OwnUrls, now: datetime) -> Iterator[Finding]:
    """Numbers may point at a tag, and tags stay where they are when a version is published."""
    live = agent.live_version
    by_number = {version.number: version for version in agent.version_list}
    for tag, number in sorted(agent.tags.items()):
        version = by_number.get(number)
        if version is None or version.facts is None or (live and number == live.number):
            continue
        if is_right(version.facts, own, now) and not missing_events(agent, version.facts):
            continue
        yield Finding(
            "tag",
            Severity.LOSES,
            f"The tag {tag} points at version {number}, which does not send its events here.",
            f"Of calls that use the tag: {_not_stored(agent)[0].lower()}{_not_stored(agent)[1:]}",
            f"Set the webhook of the agent if it is wrong, too; then move the tag {tag} in Retell"
            " to the newest published version.",
        )
