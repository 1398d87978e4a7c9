"""Calls, chats and alerts of one organization, as Retell's events left them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import uuid_utils.compat
from django.contrib.postgres.indexes import BrinIndex, GinIndex, OpClass
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce, Lower, Now
from django.urls import reverse

from accounts.masking import shown_number
from calls import outcomes
from calls.alert_metrics import METRICS
from calls.outcomes import Outcome, Tagged
from calls.querysets import CallQuerySet, ChatQuerySet, SavedViewQuerySet, TagQuerySet
from calls.search import FromItsEnd, TranscriptWords

CENTS_DIGITS, CENTS_PLACES = 20, 10
FEW_VALUES = "text_bloom_ops(n_distinct_per_range=32)"


def _outcome_cases(successful: str, *more: When) -> Case:
    """Most decisive first. `registered` and `ongoing` are the only states before the end."""
    return Case(
        When(
            Q(status__isnull=True) | Q(status__in=["registered", "ongoing"]), then=Value("ongoing")
        ),
        When(status="error", then=Value("error")),
        When(status="not_connected", then=Value("not_connected")),
        *more,
        When(Q(**{successful: True}), then=Value("successful")),
        When(Q(**{successful: False}), then=Value("unsuccessful")),
        default=Value("ended"),
        output_field=models.CharField(max_length=16),
    )


class Conversation(models.Model):
    """What calls and chats have in common. Written only by `calls.sql` and by the actions here.

    Nullable text means "no event has said so yet", which an empty text could not.
    """

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    status = models.TextField(null=True)  # noqa: DJ001
    agent = models.ForeignKey(
        "agents.Agent",
        to_field="retell_agent_id",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="%(class)ss",
    )
    agent_version = models.IntegerField(null=True)
    agent_name = models.TextField(null=True)  # noqa: DJ001
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    cost_cents = models.DecimalField(
        max_digits=CENTS_DIGITS, decimal_places=CENTS_PLACES, null=True
    )
    cost = models.JSONField(null=True)
    user_sentiment = models.TextField(null=True)  # noqa: DJ001
    summary = models.TextField(null=True)  # noqa: DJ001
    transcript = models.TextField(null=True)  # noqa: DJ001
    details = models.JSONField(default=dict)
    # Per field the merge key of its value; see calls/merge.py.
    provenance = models.JSONField(default=dict)
    storage_level = models.SmallIntegerField(default=0)
    first_seen_at = models.DateTimeField(db_default=Now())
    # `reconciled` when Retell's list had it and no webhook brought it.
    source = models.CharField(max_length=16, default="webhook")
    # Calls that never connected have no start; their first event places them in time.
    sort_at = models.GeneratedField(
        expression=Coalesce(F("started_at"), F("first_seen_at")),
        output_field=models.DateTimeField(),
        db_persist=True,
    )

    class Meta:
        abstract = True

    @property
    def sentiment(self) -> Tagged | None:
        return outcomes.sentiment(self.user_sentiment)

    @property
    def state(self) -> Tagged:
        return outcomes.status(self.status)


class Call(Conversation):
    # Unique by constraint: `unique=True` would add an index for LIKE that nothing uses.
    retell_call_id = models.CharField(max_length=64)
    call_type = models.TextField(null=True)  # noqa: DJ001
    direction = models.TextField(null=True)  # noqa: DJ001
    disconnection_reason = models.TextField(null=True)  # noqa: DJ001
    from_number = models.TextField(null=True)  # noqa: DJ001
    to_number = models.TextField(null=True)  # noqa: DJ001
    duration_ms = models.BigIntegerField(null=True)
    latency = models.JSONField(null=True)
    latency_p50_ms = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    call_successful = models.BooleanField(null=True)
    in_voicemail = models.BooleanField(null=True)
    transcript_entries = models.JSONField(null=True)
    # Why this is a test call; see calls/classification.py.
    test_signal = models.TextField(null=True)  # noqa: DJ001
    # What an admin decided, and why; outranks the signal.
    billable_override = models.BooleanField(null=True)
    billable_reason = models.CharField(max_length=200, blank=True, db_default="")
    billable_changed_by = models.CharField(max_length=254, blank=True, db_default="")
    billable_changed_at = models.DateTimeField(null=True)
    is_billable = models.GeneratedField(
        expression=Coalesce(
            F("billable_override"),
            Case(When(test_signal__isnull=True, then=Value(True)), default=Value(False)),
        ),
        output_field=models.BooleanField(),
        db_persist=True,
    )
    outcome_code = models.GeneratedField(
        expression=_outcome_cases(
            "call_successful",
            When(
                Q(in_voicemail=True)
                | Q(disconnection_reason__in=["voicemail_reached", "machine_detected"]),
                then=Value("voicemail"),
            ),
        ),
        output_field=models.CharField(max_length=16),
        db_persist=True,
    )

    # Where in time it stood before it was moved last; see calls/changes.py.
    moved_from = models.DateTimeField(null=True, editable=False)

    tags = models.ManyToManyField("calls.Tag", through="calls.CallTag", related_name="calls")

    objects = CallQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(F("sort_at").desc(), F("id").desc(), name="call_newest"),
            models.Index(F("agent"), F("sort_at").desc(), name="call_agent_newest"),
            models.Index(F("id"), name="call_restricted", condition=Q(storage_level__gt=0)),
            GinIndex(TranscriptWords("transcript"), name="call_words"),
            models.Index(
                F("sort_at").desc(), name="call_ongoing", condition=Q(outcome_code="ongoing")
            ),
            models.Index(
                F("agent"), F("sort_at"), name="call_reconciled", condition=Q(source="reconciled")
            ),
            # The beginnings of numbers, and their ends; 255 characters at most fit into an index.
            models.Index(
                fields=["from_number"], opclasses=["text_pattern_ops"], name="call_from_number"
            ),
            models.Index(
                fields=["to_number"], opclasses=["text_pattern_ops"], name="call_to_number"
            ),
            models.Index(
                OpClass(FromItsEnd("from_number"), "text_pattern_ops"), name="call_from_end"
            ),
            models.Index(OpClass(FromItsEnd("to_number"), "text_pattern_ops"), name="call_to_end"),
            # Small, and cheap for webhooks: tells where rare values are not, so that a filter which
            # finds little among millions of calls does not read them all.
            BrinIndex(
                fields=[
                    "outcome_code",
                    "user_sentiment",
                    "disconnection_reason",
                    "from_number",
                    "to_number",
                ],
                opclasses=[FEW_VALUES, FEW_VALUES, FEW_VALUES, "text_bloom_ops", "text_bloom_ops"],
                pages_per_range=64,
                autosummarize=True,
                name="call_values",
            ),
        ]
        constraints = [models.UniqueConstraint(fields=["retell_call_id"], name="call_id_unique")]

    def __str__(self) -> str:
        return self.retell_call_id

    def get_absolute_url(self) -> str:
        return reverse("calls:detail", args=[self.pk])

    def get_classify_url(self) -> str:
        return reverse("calls:classify", args=[self.pk])

    @property
    def outcome(self) -> Outcome:
        return Outcome(self.outcome_code)

    @property
    def disconnection(self) -> Tagged | None:
        return outcomes.disconnection(self.disconnection_reason)

    @property
    def caller_number(self) -> str | None:
        """The person's number, not the agent's (the callee's outbound), masked as it must be."""
        other = self.to_number if self.direction == "outbound" else self.from_number
        return shown_number(other)


class Tag(models.Model):
    """A word an organization sorts its calls by; its case does not matter."""

    NAME_MAX_LENGTH = 40

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    name = models.CharField(max_length=NAME_MAX_LENGTH)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = TagQuerySet.as_manager()

    class Meta:
        ordering = (Lower("name"),)
        constraints = [models.UniqueConstraint(Lower("name"), name="tag_name_unique")]

    def __str__(self) -> str:
        return self.name


class CallTag(models.Model):
    """A tag on a call. Who set it is a label only, as people live in another schema."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    call = models.ForeignKey(Call, on_delete=models.CASCADE, db_index=False)
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE)
    tagged_by = models.CharField(max_length=254, blank=True, default="")
    tagged_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        # Its index finds the tags of a call, too.
        constraints = [models.UniqueConstraint(fields=["call", "tag"], name="call_tag_unique")]

    def __str__(self) -> str:
        return f"{self.tag_id} on {self.call_id}"


class CallNote(models.Model):
    """What somebody wrote beside a call."""

    TEXT_MAX_LENGTH = 4000

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="notes")
    text = models.TextField(max_length=TEXT_MAX_LENGTH)
    author_id = models.UUIDField()
    author = models.CharField(max_length=254)
    written_at = models.DateTimeField(db_default=Now(), editable=False)
    edited_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"Note of {self.author}"


class SavedView(models.Model):
    """A filter of the calls list with a name: somebody's own, or (no owner) for everybody here.

    People live in another schema, so an owner is an id.
    """

    NAME_MAX_LENGTH = 60

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    name = models.CharField(max_length=NAME_MAX_LENGTH)
    # Canonical; see calls/selection.py. Empty for all calls.
    query = models.TextField(blank=True, default="")
    # Keys of calls/columns.py; empty: those that whoever looks has chosen.
    columns: models.JSONField[Any, Any] = models.JSONField(default=list)
    owner_id = models.UUIDField(null=True)
    made_by = models.CharField(max_length=254)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = (Lower("name"), "id")
        constraints = [
            models.UniqueConstraint(
                Lower("name"), F("owner_id"), name="view_name_unique", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The list under this view: its filters stand in the URL like any others."""
        mark = urlencode({"view": self.pk})
        return f"{reverse('calls:list')}?{self.query}{'&' if self.query else ''}{mark}"

    @property
    def is_shared(self) -> bool:
        return self.owner_id is None


class ListPreference(models.Model):
    """How one person wants the calls list of this organization; absent until they say."""

    person_id = models.UUIDField(primary_key=True)
    # Keys of calls/columns.py, in the order in which they are shown; empty for the usual ones.
    columns: models.JSONField[Any, Any] = models.JSONField(default=list)
    is_compact = models.BooleanField(default=False)
    # What the list opens with.
    default_view = models.ForeignKey(SavedView, on_delete=models.SET_NULL, null=True)

    def __str__(self) -> str:
        return f"list of {self.person_id}"


class CallNews(models.Model):
    """What was told of a call to those who want to know of final ones; see calls/news.py."""

    # No foreign key: it would be checked for every call that is written.
    call_id = models.UUIDField(primary_key=True, editable=False)
    # When to look at the call; none: when it is written again.
    due_at = models.DateTimeField(null=True)
    # Of what was told last; empty: nothing was.
    sha256 = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        indexes = [
            models.Index(
                fields=("due_at",), name="call_news_due", condition=Q(due_at__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return f"news of {self.call_id}"


class Chat(Conversation):
    retell_chat_id = models.CharField(max_length=64)
    chat_type = models.TextField(null=True)  # noqa: DJ001
    chat_successful = models.BooleanField(null=True)
    messages = models.JSONField(null=True)
    outcome_code = models.GeneratedField(
        expression=_outcome_cases("chat_successful"),
        output_field=models.CharField(max_length=16),
        db_persist=True,
    )

    objects = ChatQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(F("sort_at").desc(), F("id").desc(), name="chat_newest"),
            GinIndex(TranscriptWords("transcript"), name="chat_words"),
        ]
        constraints = [models.UniqueConstraint(fields=["retell_chat_id"], name="chat_id_unique")]

    def __str__(self) -> str:
        return self.retell_chat_id

    def get_absolute_url(self) -> str:
        return reverse("calls:chat_detail", args=[self.pk])

    @property
    def outcome(self) -> Outcome:
        return Outcome(self.outcome_code)


class RetellAlert(models.Model):
    """An incident of a metric rule in Retell's dashboard, opened and perhaps closed."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    incident_id = models.CharField(max_length=255, unique=True)
    name = models.TextField(blank=True, default="")
    metric_type = models.TextField(blank=True, default="")
    triggered_at = models.DateTimeField(null=True)
    # Retell may say that it is over without saying since when.
    is_resolved = models.BooleanField(db_default=False)
    resolved_at = models.DateTimeField(null=True)
    body = models.JSONField(default=dict)
    # Per field how much the event counts that said it; see calls/actions/merging.py.
    provenance = models.JSONField(default=dict)
    first_seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("-first_seen_at",)

    def __str__(self) -> str:
        return self.name or self.incident_id

    @property
    def metric_label(self) -> str:
        """Empty for a metric that Retell has added since."""
        return str(METRICS.get(self.metric_type, ""))

    @property
    def state(self) -> Tagged:
        if self.is_resolved or self.resolved_at:
            return Tagged("resolved", "Resolved", "ok")
        return Tagged("triggered", "Open", "warn")
