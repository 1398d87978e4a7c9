"""Turns a scene into the transcript fields of a call."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from operations.demo.conversations import CLARIFICATIONS, Scene
from operations.demo.profiles import OrganizationProfile

FIRST_NAMES_TEXT = """
Maria James Aisha Noor Daniel Chloe Wei Priya Omar Elena Marcus Fatima Jonas Grace Diego Hannah
Kofi Ines Samuel Yuki Amelia Theo Leila Patrick Zoë Mateo Ruth Arjun Sofia Liam Nadia Oscar
"""
LAST_NAMES_TEXT = """
Garcia Walker Khan Okafor Rossi Nguyen Silva Cohen Murphy Patel Novak Berg Haddad Reyes Clarke
O'Connor Tanaka Müller Schmidt Ali Kim Lopez Bennett Dubois Moreau Hughes Santos Ward Price
"""
FIRST_NAMES = FIRST_NAMES_TEXT.split()
LAST_NAMES = LAST_NAMES_TEXT.split()
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
TIMES = ("nine o'clock", "half past nine", "eleven", "noon", "two o'clock", "half past three")
MONTHS = ("January", "March", "May", "July", "September", "November")
INSURERS = ("Delta", "Cigna", "Aetna", "MetLife")
ROLES = {"A": "agent", "U": "user", "P": "transfer_target"}
SPEAKERS = {"agent": "Agent", "user": "User", "transfer_target": "Transfer Target"}
SECONDS_PER_WORD = 0.42
PHRASES = re.compile(r"[^.?!]+[.?!]*\s*")


@dataclass(frozen=True)
class Transcript:
    """The three transcript fields and how many seconds of audio they take."""

    entries: list[dict[str, Any]]
    seconds: float
    ends: list[float]

    def fields(self, until: int | None = None) -> dict[str, Any]:
        """The fields of a call; with `until`, as they were after so many entries."""
        entries = self.entries[:until]
        spoken = [entry for entry in entries if entry["role"] in SPEAKERS]
        text = "".join(f"{SPEAKERS[e['role']]}: {e['content']}\n" for e in spoken)
        return {
            "transcript": text,
            "transcript_object": spoken,
            "transcript_with_tool_calls": entries,
        }

    @property
    def agent_turns(self) -> int:
        """How often the agent answered."""
        return sum(entry["role"] == "agent" for entry in self.entries)


def draw_slots(rng: random.Random, profile: OrganizationProfile, day: datetime) -> dict[str, Any]:
    """Names, times and prices for the braces of one call's scene."""
    last_name = rng.choice(LAST_NAMES)
    low, high = profile.prices
    return {
        "company": profile.company,
        "first_name": rng.choice(FIRST_NAMES),
        "last_name": last_name,
        "last_name_spelled": ", ".join(last_name.upper()),
        "colleague": rng.choice(FIRST_NAMES),
        "weekday": rng.choice(WEEKDAYS),
        "time": rng.choice(TIMES),
        "month": rng.choice(MONTHS),
        "birth_year": day.year - rng.randint(20, 80),
        "service": rng.choice(profile.services),
        "price": rng.randrange(low, high, 5),
        "city": rng.choice(profile.cities),
        "insurer": rng.choice(INSURERS),
        "policy": f"GX {rng.randint(100, 999)} {rng.randint(100, 999)}",
        "reference": f"{rng.choice('ABCDEFGHKLM')}{rng.randint(10000, 99999)}",
    }


def write_transcript(rng: random.Random, scene: Scene, slots: dict[str, Any]) -> Transcript:
    """Play a scene, sometimes with a few questions more than its script has."""
    entries: list[dict[str, Any]] = []
    ends: list[float] = []
    clock = rng.uniform(0.3, 1.2)
    for who, line in _with_clarifications(rng, scene):
        text = line.format_map(slots)
        if who in ROLES:
            clock += rng.uniform(0.5, 2.6)
            entry, clock = _utterance(ROLES[who], text, clock)
            entries.append(entry)
        elif who == "T":
            clock += rng.uniform(0.4, 2.5)
            entries += _tool_call(rng, text)
        else:
            entries.append(_node(text))
        ends += [clock] * (len(entries) - len(ends))
    return Transcript(entries, clock + rng.uniform(0.5, 3.0), ends)


def _with_clarifications(rng: random.Random, scene: Scene) -> list[tuple[str, str]]:
    lines = list(scene.lines)
    if len(lines) < 6:
        return lines
    extra = rng.choices((0, 1, 2, 3, 4, 6), (20, 26, 22, 16, 11, 5))[0]
    for question, answer in rng.sample(CLARIFICATIONS, extra):
        answers = [i for i, (who, _) in enumerate(lines) if who == "U" and 1 < i < len(lines) - 2]
        place = rng.choice(answers) + 1 if answers else 2
        lines[place:place] = [("A", question), ("U", answer)]
    return lines


def _utterance(role: str, text: str, clock: float) -> tuple[dict[str, Any], float]:
    """One turn; its `words` are sentences, which is as fine as the demo needs (seconds)."""
    words = []
    for phrase in PHRASES.findall(text):
        end = clock + SECONDS_PER_WORD * (phrase.count(" ") + 1)
        words.append({"word": phrase.strip(), "start": round(clock, 2), "end": round(end, 2)})
        clock = end
    return {"role": role, "content": text, "words": words}, clock


def _tool_call(rng: random.Random, line: str) -> list[dict[str, Any]]:
    parts = [part.strip() for part in line.split("|")]
    name, kind, arguments, result = parts if len(parts) == 4 else (parts[0], "custom", "{}", "ok")
    tool_call_id = f"tool_call_{rng.getrandbits(32):08x}"
    failed = rng.random() < 0.02
    return [
        {
            "role": "tool_call_invocation",
            "tool_call_id": tool_call_id,
            "name": name,
            "arguments": arguments,
            "type": kind,
        },
        {
            "role": "tool_call_result",
            "tool_call_id": tool_call_id,
            "content": "The service did not answer in time." if failed else result,
            "successful": not failed,
        },
    ]


def _node(name: str) -> dict[str, Any]:
    return {
        "role": "node_transition",
        "former_node_id": "node-greeting",
        "former_node_name": "Greeting",
        "new_node_id": f"node-{name.lower().replace(' ', '-')}",
        "new_node_name": name,
        "transition_type": "normal",
    }
