"""The two invented organizations of the demo: who calls whom, when, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from operations.demo import conversations as scenes

Channel = Literal["inbound", "outbound", "web"]
Hours = tuple[int, ...]

# Weight of each hour of the local day, 0 to 23.
OFFICE: Hours = (0, 0, 0, 0, 0, 0, 1, 4, 11, 15, 16, 14, 9, 10, 13, 14, 12, 8, 4, 2, 1, 0, 0, 0)
CLOSED: Hours = (2, 1, 1, 1, 1, 2, 5, 6, 1, 0, 0, 0, 2, 0, 0, 0, 0, 2, 9, 12, 11, 9, 6, 3)
CAMPAIGN: Hours = (0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 18, 14, 4, 6, 16, 18, 12, 5, 0, 0, 0, 0, 0, 0)
ALL_DAY: Hours = (3, 2, 2, 1, 2, 3, 6, 9, 9, 7, 6, 6, 7, 7, 7, 8, 9, 11, 10, 8, 6, 5, 4, 4)
BROWSING: Hours = (2, 1, 1, 0, 0, 1, 2, 4, 6, 7, 8, 8, 9, 8, 7, 7, 8, 9, 11, 13, 14, 12, 8, 4)

# Weight of each weekday, Monday to Sunday.
WORKDAYS = (14, 12, 11, 11, 9, 2, 1)
EVERY_DAY = (10, 10, 10, 10, 11, 13, 12)
CAMPAIGN_DAYS = (8, 13, 13, 12, 6, 0, 0)


@dataclass(frozen=True)
class AgentProfile:
    """A voice agent. `latency_ms` is its usual answer time, `products` what Retell bills."""

    agent_id: str
    name: str
    version: int
    channel: Channel
    weight: int
    scenes: tuple[scenes.Scene, ...]
    hours: Hours
    weekdays: tuple[int, ...]
    products: tuple[str, ...]
    latency_ms: int = 850
    number: str = ""
    transfer_events: bool = False
    knowledge_base: bool = False
    long_prompt: bool = False
    storage: str = "everything"


@dataclass(frozen=True)
class OrganizationProfile:
    """An organization of the demo; telephone numbers are reserved 555-01xx ones."""

    slug: str
    name: str
    company: str
    time_zone: str
    currency: str
    retell_org_id: str
    area_codes: tuple[str, ...]
    cities: tuple[str, ...]
    services: tuple[str, ...]
    prices: tuple[int, int]
    agents: tuple[AgentProfile, ...]
    chat_agent_id: str
    chat_agent_name: str
    chat_topics: tuple[tuple[str, str, str], ...]


VOICE = "retell_voice_engine"
PHONE = "us_twilio_telephony"

ACME = OrganizationProfile(
    slug="acme",
    name="Acme Dental",
    company="Acme Dental",
    time_zone="America/New_York",
    currency="USD",
    retell_org_id="org_demoAcme0001",
    area_codes=("212", "646", "917", "718", "201", "203"),
    cities=("Brooklyn", "Queens", "Hoboken", "Yonkers"),
    services=("cleaning", "check-up", "whitening", "filling", "crown", "night guard"),
    prices=(90, 1400),
    agents=(
        AgentProfile(
            agent_id="agent_2d7b1f9e6a0c48355e91d3b7c4",
            name="Front Desk",
            version=14,
            channel="inbound",
            weight=44,
            scenes=scenes.FRONT_DESK,
            hours=OFFICE,
            weekdays=WORKDAYS,
            products=(VOICE, "elevenlabs_tts_03_2026", "gpt_4_1", PHONE),
            number="+12125550100",
            transfer_events=True,
        ),
        AgentProfile(
            agent_id="agent_90ce4a7b2f1d6538e40b97a1c6",
            name="After-Hours Line",
            version=6,
            channel="inbound",
            weight=13,
            scenes=scenes.AFTER_HOURS,
            hours=CLOSED,
            weekdays=EVERY_DAY,
            products=(VOICE, "elevenlabs_tts_03_2026", "gpt_4_1_mini_high_priority", PHONE),
            latency_ms=780,
            number="+12125550101",
        ),
        AgentProfile(
            agent_id="agent_5f83d0c6b9e7412a0d6c8f35e1",
            name="Visit Reminders",
            version=9,
            channel="outbound",
            weight=25,
            scenes=scenes.REMINDER,
            hours=CAMPAIGN,
            weekdays=CAMPAIGN_DAYS,
            products=(VOICE, "platform_tts", "gpt_4_1_mini_high_priority", PHONE),
            latency_ms=720,
            number="+12125550102",
        ),
        AgentProfile(
            agent_id="agent_c1e60b9d4f7a8532160fd84b2a",
            name="Check-up Recall",
            version=3,
            channel="outbound",
            weight=12,
            scenes=scenes.RECALL,
            hours=CAMPAIGN,
            weekdays=CAMPAIGN_DAYS,
            products=(VOICE, "cartesia_tts_new", "gpt_4_1", PHONE),
            latency_ms=910,
            number="+12125550103",
        ),
        AgentProfile(
            agent_id="agent_7a04e9b5c2d81f6390ab54ef0d",
            name="Website Receptionist",
            version=2,
            channel="web",
            weight=6,
            scenes=scenes.DENTAL_WEB,
            hours=BROWSING,
            weekdays=EVERY_DAY,
            products=(VOICE, "elevenlabs_tts_03_2026", "gpt_4_1", "knowledge_base_usage"),
            knowledge_base=True,
        ),
    ),
    chat_agent_id="agent_d85b37f0e1a94c626f0378be1d",
    chat_agent_name="Website Chat",
    chat_topics=(
        ("What does whitening cost?", "Whitening starts at 180 dollars.", "prices"),
        ("Are you open on Saturday?", "Yes, from nine to one.", "hours"),
        ("Can I cancel my visit online?", "Yes, up to a day before.", "cancel"),
        ("Do you see children?", "Yes, from the age of three.", "children"),
    ),
)

GLOBEX = OrganizationProfile(
    slug="globex",
    name="Globex Insurance",
    company="Globex Insurance",
    time_zone="Europe/London",
    currency="GBP",
    retell_org_id="org_demoGlobex01",
    area_codes=("415", "510", "650", "408", "628"),
    cities=("Leeds", "Bristol", "Reading", "Luton", "Derby"),
    services=("car policy", "home policy", "travel policy"),
    prices=(60, 900),
    agents=(
        AgentProfile(
            agent_id="agent_31fa8c05d7b2e6490c5a18e9d3",
            name="Claims Intake",
            version=21,
            channel="inbound",
            weight=30,
            scenes=scenes.CLAIMS,
            hours=OFFICE,
            weekdays=WORKDAYS,
            products=(VOICE, "elevenlabs_tts_03_2026", "claude_5_sonnet", PHONE),
            latency_ms=1150,
            number="+14155550100",
            transfer_events=True,
            knowledge_base=True,
            long_prompt=True,
        ),
        AgentProfile(
            agent_id="agent_8be20d6f4c9173a5e8021cb69f",
            name="Policy Service",
            version=17,
            channel="inbound",
            weight=25,
            scenes=scenes.POLICY,
            hours=OFFICE,
            weekdays=WORKDAYS,
            products=(VOICE, "elevenlabs_tts_03_2026", "gpt_4_1", PHONE),
            latency_ms=890,
            number="+14155550101",
        ),
        AgentProfile(
            agent_id="agent_f4096e1bd37c825a961be0347d",
            name="Quote Follow-up",
            version=5,
            channel="outbound",
            weight=17,
            scenes=scenes.QUOTE_FOLLOW_UP,
            hours=CAMPAIGN,
            weekdays=CAMPAIGN_DAYS,
            products=(VOICE, "cartesia_tts_new", "gpt_4_1", PHONE),
            latency_ms=830,
            number="+14155550102",
        ),
        AgentProfile(
            agent_id="agent_06d9c7e2a5b8413f7ce9d01ba4",
            name="Renewals",
            version=8,
            channel="outbound",
            weight=15,
            scenes=scenes.RENEWAL,
            hours=CAMPAIGN,
            weekdays=CAMPAIGN_DAYS,
            products=(VOICE, "platform_tts", "gpt_4_1_mini_high_priority", PHONE),
            latency_ms=740,
            number="+14155550103",
        ),
        AgentProfile(
            agent_id="agent_ba5130f8e6d94c27a01d9e63c5",
            name="Roadside Assistance",
            version=4,
            channel="inbound",
            weight=9,
            scenes=scenes.ROADSIDE,
            hours=ALL_DAY,
            weekdays=EVERY_DAY,
            products=(VOICE, "platform_tts", "gpt_4_1", "background_voice_cancellation"),
            latency_ms=960,
            number="+14155550104",
            storage="basic_attributes_only",
        ),
        AgentProfile(
            agent_id="agent_6c2f94e0b1d7a8359e0c4fb72d",
            name="Website Quotes",
            version=1,
            channel="web",
            weight=4,
            scenes=scenes.INSURANCE_WEB,
            hours=BROWSING,
            weekdays=EVERY_DAY,
            products=(VOICE, "platform_tts", "gpt_4_1"),
        ),
    ),
    chat_agent_id="agent_1e7c5a90fb3d4862c70e19d5ab",
    chat_agent_name="Policy Chat",
    chat_topics=(
        ("How do I report a claim?", "By telephone, at any time of day.", "claims"),
        ("Is my phone insured abroad?", "Yes, for up to thirty days.", "coverage"),
        ("Where is my certificate?", "I have sent it to you again.", "certificate"),
    ),
)

PROFILES = (ACME, GLOBEX)
