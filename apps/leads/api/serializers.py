"""How the funnel reads as JSON. Money is minor units beside a currency; instants are UTC."""

from rest_framework import serializers

from apps.leads.models import Channel, Disposition, HandOff, Opportunity, Purpose, RejectionReason


class QueueRowSerializer(serializers.Serializer):
    """A lead in the own queue: what it is, why it is here now, until when."""

    lead = serializers.IntegerField(source="pk")
    name = serializers.CharField(source="label")
    company = serializers.CharField(source="lead.company")
    score = serializers.CharField(source="lead.score")
    why = serializers.CharField()
    due_at = serializers.DateTimeField(allow_null=True)
    channel = serializers.CharField()


class QueueSerializer(serializers.Serializer):
    total = serializers.IntegerField(help_text="Counted up to 1,000.")
    results = QueueRowSerializer(many=True)


class TouchInput(serializers.Serializer):
    """One attempt. Sent twice under one Idempotency-Key it is logged once."""

    lead = serializers.IntegerField(min_value=1)
    channel = serializers.ChoiceField(choices=Channel.choices)
    disposition = serializers.ChoiceField(choices=Disposition.choices)
    callback_at = serializers.DateTimeField(required=False, allow_null=True)
    note = serializers.CharField(required=False, allow_blank=True, max_length=500, default="")
    purpose = serializers.ChoiceField(
        choices=Purpose.choices,
        required=False,
        allow_blank=True,
        default="",
        help_text="Left out, it follows from what was planned.",
    )
    they_asked = serializers.BooleanField(
        required=False,
        default=False,
        help_text="They wished to be called now: for a call outside their calling hours.",
    )


class TouchSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    lead = serializers.IntegerField(source="lead_id")
    channel = serializers.CharField()
    disposition = serializers.CharField()
    purpose = serializers.CharField()
    outside_hours = serializers.BooleanField()
    undone_at = serializers.DateTimeField(allow_null=True)
    occurred_at = serializers.DateTimeField()


class HandOffSerializer(serializers.ModelSerializer):
    company = serializers.CharField(source="lead.company")
    contact = serializers.CharField(source="lead.name")
    score = serializers.CharField(source="lead.score")
    sdr = serializers.CharField(source="sdr.name")
    ae = serializers.CharField(source="ae.name")
    rejection_reason = serializers.CharField()
    meeting_at = serializers.DateTimeField(source="meeting.starts_at", allow_null=True, default=None)

    class Meta:
        model = HandOff
        fields = (
            "id", "lead", "company", "contact", "score", "sdr", "ae", "state", "created_at", "due_at",
            "meeting_at", "decided_at", "rejected_criterion", "rejection_reason", "comment", "is_exploration",
        )  # fmt: skip


class HandOffPageSerializer(serializers.Serializer):
    results = HandOffSerializer(many=True)
    next_after = serializers.CharField(help_text='The cursor of the next page; "" on the last.')


class AcceptInput(serializers.Serializer):
    """The estimate, in minor units of the team's currency."""

    amount_minor = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=10**15)


class RejectInput(serializers.Serializer):
    criterion = serializers.CharField(max_length=20)
    reason = serializers.ChoiceField(choices=RejectionReason.choices)
    comment = serializers.CharField(required=False, allow_blank=True, max_length=1000, default="")


class OpportunitySerializer(serializers.ModelSerializer):
    owner = serializers.CharField(source="owner.name")
    sourced_by = serializers.CharField(source="sourced_by.name", allow_null=True, default=None)

    class Meta:
        model = Opportunity
        fields = (
            "id", "name", "owner", "sourced_by", "stage", "amount_minor", "currency", "opened_at",
            "stage_changed_at", "closed_at", "loss_reason",
        )  # fmt: skip


class OpportunityPageSerializer(serializers.Serializer):
    results = OpportunitySerializer(many=True)
    next_after = serializers.CharField(help_text='The cursor of the next page; "" on the last.')
