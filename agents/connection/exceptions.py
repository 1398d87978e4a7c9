"""Why a key is not taken, in one sentence for people. None of them holds a key."""

from __future__ import annotations

from enum import StrEnum


class Refused(StrEnum):
    """Why, for programs; people get the sentence."""

    NO_KEY = "no_key"
    KEY_REFUSED = "key_refused"
    NO_ACCESS = "no_access"
    UNREACHABLE = "unreachable"
    WORKSPACE_TAKEN = "workspace_taken"
    WORKSPACE_CHANGED = "workspace_changed"
    NOT_CONNECTED = "not_connected"
    UNCHECKED = "unchecked"
    UNREADABLE = "unreadable"


SENTENCES = {
    Refused.NO_KEY: "The Retell API key is empty or not a key. Nothing was changed.",
    Refused.KEY_REFUSED: (
        "Retell does not accept this key. Nothing was changed. Copy the key again from Retell's"
        " page API Keys, or make a new one there."
    ),
    Refused.NO_ACCESS: (
        "Retell knows this key but does not let it say which workspace it belongs to. Nothing was"
        " changed. It can be the signing key; as API key, make one with Read for Agent, History"
        " and Phone."
    ),
    Refused.UNREACHABLE: (
        "Retell did not answer, so the key could not be checked. Nothing was changed. Try again in"
        " a few minutes."
    ),
    Refused.WORKSPACE_TAKEN: (
        "This key's workspace is connected to another organization of this installation. Nothing"
        " was changed. Disconnect it there first, or use a key of your own workspace."
    ),
    Refused.WORKSPACE_CHANGED: (
        "This key belongs to another workspace than the one connected here. Nothing was changed."
        " Use a key of the connected workspace, or disconnect it first."
    ),
    Refused.NOT_CONNECTED: (
        "No Retell API key is stored. Nothing was changed. An admin can add one under Settings,"
        " Retell."
    ),
    Refused.UNCHECKED: (
        "The stored Retell API key was never checked with Retell, so it is not used. Nothing was"
        " changed. An admin can check it under Settings, Retell."
    ),
    Refused.UNREADABLE: (
        "The stored Retell API key cannot be decrypted: it was damaged, or the key it was encrypted"
        " with left ENCRYPTION_KEYS. Nothing was changed. Store the Retell key again, or have the"
        " operator put the other back."
    ),
}


class RetellKeyError(ValueError):
    """A key that was not taken, or is not there; `why` says it for programs."""

    def __init__(self, why: Refused) -> None:
        self.why = why
        super().__init__(SENTENCES[why])
