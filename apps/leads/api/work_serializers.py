"""How one lead reads as JSON for whoever works it: who, how reachable, what comes next and why, what happened.

Instants are UTC. Addresses and numbers of somebody who may not be contacted are left out, as on the page.
"""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.leads.selectors.lead import Dossier


class HappeningSerializer(serializers.Serializer):
    at = serializers.DateTimeField()
    kind = serializers.CharField(help_text="touches, signals, judged, handed, cadence or changes.")
    what = serializers.CharField()
    who = serializers.CharField()
    note = serializers.CharField()
    detail = serializers.CharField()
    event = serializers.IntegerField(source="event_id", allow_null=True)
    undone = serializers.CharField(help_text='"" while it counts; else undone, taken back or lifted.')
    merged_lead = serializers.CharField(source="origin", help_text="The merged lead it happened to, if one.")


class TimelineSerializer(serializers.Serializer):
    """A page of what happened, newest first, with what happened to leads merged into it."""

    results = HappeningSerializer(source="happenings", many=True)
    older = serializers.CharField(help_text='The place of the page behind it, for "before"; "" on the last.')


class ScoreReasonSerializer(serializers.Serializer):
    kind = serializers.CharField()
    words = serializers.CharField()
    points = serializers.IntegerField()


class NextTouchSerializer(serializers.Serializer):
    what = serializers.CharField()
    at = serializers.DateTimeField(allow_null=True, help_text="null: now.")
    is_due = serializers.BooleanField()
    purpose = serializers.CharField()
    why = serializers.CharField()
    script = serializers.CharField()


class CadenceStandingSerializer(serializers.Serializer):
    enrolment = serializers.IntegerField(source="enrolment.pk")
    cadence = serializers.CharField(source="name")
    version = serializers.IntegerField(source="enrolment.version.number")
    step = serializers.IntegerField(source="number")
    steps = serializers.SerializerMethodField()
    state = serializers.CharField(source="enrolment.state")
    resumes_on = serializers.DateField(source="enrolment.resumes_on", allow_null=True)

    @extend_schema_field(int)
    def get_steps(self, within: object) -> int:
        return len(within.steps)  # type: ignore[attr-defined]


class AnswerSerializer(serializers.Serializer):
    criterion = serializers.CharField()
    name = serializers.CharField()
    verdict = serializers.CharField()
    answer = serializers.CharField()
    evidence = serializers.CharField()
    said_by = serializers.CharField()


class JudgementSerializer(serializers.Serializer):
    definition = serializers.CharField(source="definition.name")
    version = serializers.IntegerField(source="definition.version")
    meets_definition = serializers.BooleanField()
    judged_at = serializers.DateTimeField(source="qualified_at")
    answers = AnswerSerializer(source="answers.all", many=True)


class CallingSerializer(serializers.Serializer):
    their_time = serializers.DateTimeField(source="local", help_text="Their wall clock, with its offset.")
    is_proper = serializers.BooleanField()
    proper_from = serializers.DateTimeField(source="next_proper")
    zone_is_known = serializers.BooleanField(source="is_known", help_text="Else the company's stands in.")


class WaySerializer(serializers.Serializer):
    channel = serializers.CharField()
    is_closed = serializers.BooleanField()
    why_closed = serializers.CharField(source="why")
    via = serializers.CharField(help_text="The address or number, where there is one.")


class LeadSerializer(serializers.Serializer):
    """One lead for one viewer at this instant."""

    id = serializers.IntegerField(source="lead.pk")
    name = serializers.CharField(source="lead.label")
    title = serializers.CharField(source="lead.title")
    company = serializers.CharField(source="lead.company")
    city = serializers.CharField(source="lead.city")
    time_zone = serializers.CharField(source="lead.time_zone")
    is_inbound = serializers.BooleanField(source="lead.is_inbound")
    source = serializers.CharField(source="lead.source")  # type: ignore[assignment]
    campaign = serializers.CharField(source="lead.campaign")
    stage = serializers.CharField(source="lead.stage")
    stage_reason = serializers.CharField(source="lead.stage_reason")
    owner = serializers.CharField(source="lead.owner.name", allow_null=True, default=None)
    team = serializers.CharField(source="lead.team.name", allow_null=True, default=None)
    score = serializers.CharField(source="lead.score")
    score_points = serializers.IntegerField(source="lead.score_points")
    score_reasons = serializers.SerializerMethodField()
    mql_definition_version = serializers.IntegerField(
        source="lead.mql_definition.version", allow_null=True, default=None
    )
    is_exploration = serializers.BooleanField(source="lead.is_exploration")
    do_not_contact = serializers.BooleanField(source="lead.do_not_contact")
    ways = WaySerializer(many=True)
    calling = CallingSerializer(source="theirs")
    merged_into = serializers.IntegerField(source="lead.merged_into_id", allow_null=True)
    touch_count = serializers.IntegerField(source="lead.touch_count")
    attempts = serializers.IntegerField(source="lead.attempts", help_text="In a row without contact.")
    proposal = serializers.CharField(source="lead.proposal", help_text='recycle, disqualify or "".')
    proposal_reason = serializers.CharField(source="lead.proposal_reason")
    callback_at = serializers.DateTimeField(source="lead.callback_at", allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
    reentry_on = serializers.DateField(source="lead.reentry_on", allow_null=True)
    held_until = serializers.SerializerMethodField(help_text="Until when the caller holds it.")
    why_not = serializers.CharField(help_text='Why the caller may not work it now; "" when they may.')
    next_touch = NextTouchSerializer(allow_null=True)
    cadence = CadenceStandingSerializer(source="within", allow_null=True)
    qualification = JudgementSerializer(allow_null=True)
    timeline = TimelineSerializer()

    @extend_schema_field(ScoreReasonSerializer(many=True))
    def get_score_reasons(self, dossier: Dossier) -> list[dict[str, object]]:
        return [
            {"kind": kind, "words": words, "points": points}
            for kind, words, points in dossier.lead.score_reasons or []
        ]

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_held_until(self, dossier: Dossier) -> object:
        until = dossier.lead.claimed_until if dossier.is_held else None
        return serializers.DateTimeField().to_representation(until) if until else None


class NextInput(serializers.Serializer):
    """``after``: the lead that was open, offered again only when nothing else is there."""

    after = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=2**63 - 1)


class ProposalInput(serializers.Serializer):
    answer = serializers.ChoiceField(choices=[("accept", "As proposed"), ("decline", "Keep working")])
