"""What people say of an outgoing webhook."""

from __future__ import annotations

import ipaddress
import re
import socket
import unicodedata
from datetime import datetime, tzinfo
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from config import outgoing
from notices.models import URL_MAX_LENGTH, Subscription
from notices.topics import Topic

FAILED, ALL = "failed", "all"


class SubscriptionForm(forms.Form):
    url = forms.CharField(
        label=lazy("URL"),
        max_length=URL_MAX_LENGTH,
        widget=forms.URLInput(attrs={"placeholder": "https://", "spellcheck": "false"}),
        help_text=lazy("https only, on port 443, of a host that the internet can reach."),
    )
    description = forms.CharField(
        label=lazy("Name"),
        max_length=120,
        required=False,
        help_text=lazy("For you, to tell it from others."),
    )
    topics = forms.MultipleChoiceField(
        label=lazy("Tell it when"),
        choices=[(topic.value, topic.described) for topic in Topic],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": lazy("Choose at least one.")},
    )

    @classmethod
    def of(cls, subscription: Subscription) -> SubscriptionForm:
        return cls(
            initial={
                "url": subscription.url,
                "description": subscription.description,
                "topics": subscription.topics,
            }
        )

    def clean_url(self) -> str:
        """Names are looked up when something is sent, and checked then, each time."""
        url: str = self.cleaned_data["url"]
        try:
            outgoing.check_url(url, hosts=["*"])
            is_refused = _is_private(urlsplit(url).hostname or "")
        except outgoing.NotAllowed as error:
            raise forms.ValidationError(
                _("Give a whole https URL, without a password or port in it.")
            ) from error
        if is_refused or not url.isprintable() or " " in url:
            raise forms.ValidationError(_("Give a URL that the internet can reach."))
        return url


# Names that lead nowhere outside (RFC 6761, RFC 6762, ICANN for .internal).
_RESERVED = frozenset({"localhost", "local", "internal", "invalid", "test", "example", "onion"})
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)


def _is_private(host: str) -> bool:
    """Whether a host that is an address, or no name of the internet, is certainly refused later."""
    try:
        return not outgoing.is_public(str(ipaddress.ip_address(host)))
    except ValueError:
        pass
    try:  # what other programs read as an address: 127.1, 0x7f000001, 2130706433
        socket.inet_aton(unicodedata.normalize("NFKC", host))
    except OSError:
        return not _is_a_name(host.removesuffix("."))
    return True


def _is_a_name(host: str) -> bool:
    try:
        labels = host.encode("idna").decode().split(".")
    except UnicodeError:
        return False
    is_well_formed = all(_LABEL.fullmatch(label) for label in labels)
    return is_well_formed and len(labels) > 1 and labels[-1].lower() not in _RESERVED


class ReplayForm(forms.Form):
    """Since when, on the clock of the organization, and what."""

    since = forms.DateTimeField(
        label=lazy("Since"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    which = forms.ChoiceField(
        label=lazy("Which"),
        choices=((FAILED, lazy("What failed")), (ALL, lazy("All, also what was delivered"))),
        initial=FAILED,
        widget=forms.RadioSelect,
    )

    def __init__(self, data: Any = None, *, zone: tzinfo) -> None:
        super().__init__(data)
        self.zone = zone

    def clean_since(self) -> datetime:
        since: datetime = self.cleaned_data["since"]
        at = since.replace(tzinfo=self.zone)
        if at > timezone.now():
            raise forms.ValidationError(_("Give a time that is over."))
        return at
