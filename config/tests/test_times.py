"""Whatever page a time stands on: it is the viewer's, and the organization's clock is in its title.

A time that is plain text would have no title, so none may stand outside of a `time` element.
"""

from __future__ import annotations

import re

from accounts.actions import invitations
from accounts.models import Role, User
from config.tests.every_page import ALICE, page_paths
from config.tests.test_url_sweep import fill
from tenants.scope import door
from testing.fixtures import ClientFactory, World
from testing.retell import body_of, receive, sample

TIME = re.compile(r'<time datetime="[^"]+" title="([^"]+)">.*?</time>', re.DOTALL)
BARE_TIME = re.compile(r"(?<![\d:])\d{1,2}:\d{2}(?::\d{2})? [AP]M")
# Entries of the log are read on the organization's clock by everybody (`config.zones`).
ON_THE_ORGANIZATIONS_CLOCK = ("/audit/",)
# An example of how times are written, in a list to choose from.
EXAMPLE = ("/account/profile/",)
KATHMANDU = "+0545 (UTC+05:45)"


def test_every_time_names_the_organizations_clock(world: World, browser_of: ClientFactory) -> None:
    fill(world.acme)
    receive(world, sample("phone_inbound.call_analyzed.json").body)
    receive(world, body_of("call_started", "call_2", call_status="ongoing"))
    invitation = invitations.invite(
        world.acme, email="dora@example.com", role=Role.VIEWER, invited_by=""
    )
    with door():
        User.objects.filter(pk=world.people.alice.pk).update(time_zone="Asia/Kathmandu")
    alice = User.objects.get(pk=world.people.alice.pk)
    client = browser_of(alice, world.acme)
    shown, wrong = 0, []
    for path in page_paths("acme", ALICE, world, invitation):
        page = client.get(path).content.decode()
        for title in TIME.findall(page):
            shown += 1
            theirs = "in America/New_York, the organization’s zone" in title
            if (KATHMANDU in title and theirs) == (path in ON_THE_ORGANIZATIONS_CLOCK):
                wrong.append((path, title))
        bare = [] if path in EXAMPLE else BARE_TIME.findall(TIME.sub("", page))
        wrong += [(path, text) for text in bare]
    assert shown > 40
    assert wrong == []
