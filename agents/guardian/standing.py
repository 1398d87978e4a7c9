"""What else costs calls: storage settings, agents that are not there, keys without access."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils.translation import gettext

from agents.guardian.finding import Finding, Heard, Severity
from agents.models import Agent, ApiKeyState, RetellConnection

# Retell deletes calls, and with them recordings, which are played from there. Up to so many days
# somebody may still want one that is gone.
SHORT_RETENTION_DAYS = 30
SYNC_IS_OLD_AFTER = timedelta(days=2)
# So long may an agent be here by its events alone: the next sync reads it.
NEW_AGENT_HOURS = 2
# Mended by syncing: without an API key that finding says it all.
BY_SYNCING = ("never_synced", "old_sync")


def storage(agent: Agent) -> Iterator[Finding]:
    facts = agent.live_facts
    if facts is None:
        return
    if facts.storage == "basic_attributes_only":
        yield Finding(
            "basic_attributes_only",
            Severity.RISK,
            "It stores basic attributes only.",
            "Retell deletes transcripts, recordings and logs, and they are not kept here either:"
            " calls show times, cost and outcome.",
            "If transcripts are wanted, change Data Storage Settings of the agent in Retell; what"
            " was deleted does not come back.",
        )
    if facts.storage == "everything_except_pii":
        yield Finding(
            "everything_except_pii",
            Severity.NOTE,
            "It stores everything except personal data.",
            "After a call Retell keeps scrubbed transcripts and recordings only, and the caller's"
            " number may be gone; here, too, the originals are deleted.",
            "Nothing to do if that is meant; else change Data Storage Settings in Retell.",
        )
    days = facts.retention_days
    if days is not None:
        yield Finding(
            "retention",
            Severity.RISK if days <= SHORT_RETENTION_DAYS else Severity.NOTE,
            f"Retell deletes its calls after {days} {'day' if days == 1 else 'days'}.",
            "Recordings are played from Retell, so they are gone then. What is stored here stays;"
            " what was missed cannot be fetched any more.",
            "If recordings are wanted longer, raise the retention of the agent in Retell.",
        )


def gone(heard: Heard) -> Iterator[Finding]:
    if heard.since_gone:
        yield Finding(
            "unknown",
            Severity.RISK,
            "Its calls arrive, but the connected workspace does not have it.",
            "They are not compared with Retell: what a webhook misses is lost.",
            "It was deleted in Retell, or another workspace sends here. Then connect that"
            " workspace to an organization of its own.",
        )


def unread(agent: Agent, now: datetime) -> Iterator[Finding]:
    if now - agent.first_seen_at > timedelta(hours=NEW_AGENT_HOURS):
        yield Finding(
            "never_synced",
            Severity.NOTE,
            "Its settings were never read from Retell.",
            "Whether its webhook, events and storage are right is not known.",
            "Sync agents; if it stays, the API key may not read it.",
        )


def old(agent: Agent, now: datetime) -> Iterator[Finding]:
    if agent.synced_at is not None and now - agent.synced_at > SYNC_IS_OLD_AFTER:
        yield Finding(
            "old_sync",
            Severity.NOTE,
            f"Its settings were last read {(now - agent.synced_at).days} days ago.",
            "What changed in Retell since then is not known here.",
            "Sync agents.",
        )


def _cost_of_no_access(connection: RetellConnection) -> str:
    if connection.agents_problem:
        return gettext("Agents cannot be read, so changes in Retell are not seen here.")
    return gettext(
        "Agents can be read; calls or phone numbers cannot. Calls that no webhook brings are lost."
    )


def of_connection(
    connection: RetellConnection | None, *, is_unreadable: bool = False
) -> list[Finding]:
    """What keeps all agents from being read. `is_unreadable`: its API key cannot be decrypted."""
    if connection is None or not connection.has_api_key:
        return [
            Finding(
                "no_key",
                Severity.NOTE,
                "There is no Retell API key.",
                "Changes in Retell are not seen here, and calls that no webhook brings are lost.",
                "Connect one under Settings, Retell, that may read Agent, History and Phone.",
            )
        ]
    if is_unreadable:
        return [
            Finding(
                "key_unreadable",
                Severity.LOSES,
                gettext("The stored API key cannot be decrypted."),
                gettext(
                    "Calls that no webhook brings are lost, and changes of agents are not seen."
                ),
                gettext(
                    "Store the Retell key again under Settings, Retell, or have the operator put"
                    " back the key that left ENCRYPTION_KEYS."
                ),
            )
        ]
    if connection.key_state == ApiKeyState.REFUSED:
        return [
            Finding(
                "key_refused",
                Severity.LOSES,
                "Retell refuses the API key.",
                "Calls that no webhook brings are lost, and changes of agents are not seen.",
                "Store a key that works.",
            )
        ]
    if connection.key_state == ApiKeyState.NO_ACCESS:
        return [
            Finding(
                "key_no_access",
                Severity.RISK,
                "The API key may not do all that is needed.",
                _cost_of_no_access(connection),
                "In Retell, under API Keys, give it Read for Agent, History and Phone.",
            )
        ]
    if connection.agents_problem:
        return [
            Finding(
                "sync_failed",
                Severity.RISK,
                "The last sync of agents was not finished.",
                connection.agents_problem,
                "It is tried again every hour, or now.",
            )
        ]
    return []
