"""Show and change which networks reach the operator host; the way back in when shut out."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.circumstances import circumstances, command_actor
from config.networks import parse_network
from operations import allow_list
from operations.models import AllowedNetwork
from tenants.scope import platform


class Command(BaseCommand):
    help = "Networks that reach the operator host. Without any, every address does."

    def add_arguments(self, parser: CommandParser) -> None:
        doings = parser.add_subparsers(dest="do", required=True)
        doings.add_parser("list", help="Show the list.")
        add = doings.add_parser("add", help="Allow an address or a network.")
        add.add_argument("cidr", help="203.0.113.7, 203.0.113.0/24, 2001:db8::/32")
        add.add_argument("--note", default="", help="Whose it is.")
        remove = doings.add_parser("remove", help="Take an address or a network off the list.")
        remove.add_argument("cidr")
        doings.add_parser("clear", help="Take all off: every address reaches the operator host.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with platform(), circumstances(actor=command_actor("ip_allowlist")):
                getattr(self, f"_{options['do']}")(**options)
        except (allow_list.AllowListError, ValueError) as error:
            raise CommandError(f"{error} Nothing was changed.") from error

    def _list(self, **_: Any) -> None:
        for network in AllowedNetwork.objects.all():
            self.stdout.write(f"{network.cidr}  {network.note}".rstrip())
        if not AllowedNetwork.objects.exists():
            self.stdout.write("The list is empty: every address reaches the operator host.")

    def _add(self, cidr: str, note: str, **_: Any) -> None:
        network = AllowedNetwork(cidr=cidr, note=note)
        allow_list.save(network, staying=None)
        self._say(f"{network.cidr} reaches the operator host.")

    def _remove(self, cidr: str, **_: Any) -> None:
        network = AllowedNetwork.objects.filter(cidr=str(parse_network(cidr))).first()
        if network is None:
            raise CommandError(f"“{cidr}” is not on the list. Nothing was changed.")
        allow_list.remove(network, staying=None)
        self._say(f"{network.cidr} is off the list.")

    def _clear(self, **_: Any) -> None:
        self._say(f"{allow_list.clear()} taken off the list.")

    def _say(self, done: str) -> None:
        """What was done, and a warning of what follows: nobody is asked, this is the way back."""
        self.stdout.write(f"{done} It holds within {allow_list.CACHE_SECONDS:g} seconds.")
        cidrs = list(AllowedNetwork.objects.values_list("cidr", flat=True))
        if cidrs:
            self.stderr.write(
                f"Warning: nobody else than {', '.join(cidrs)} reaches the operator host now."
                " If that leaves you out, add your own address, or run `clear`."
            )
        else:
            self.stderr.write("Warning: every address reaches the operator host now.")
