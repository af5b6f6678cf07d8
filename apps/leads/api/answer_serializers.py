"""How answers and contests read as JSON. Instants are UTC."""

from rest_framework import serializers

from apps.leads.api.serializers import HandOffSerializer
from apps.leads.models import Contest
from apps.leads.services.contests import MOST_WORDS


class TakenBackSerializer(serializers.Serializer):
    """``meeting_back``: whether a cancelled meeting stands again; null when none was cancelled."""

    hand_off = HandOffSerializer()
    meeting_back = serializers.BooleanField(allow_null=True)


class ContestInput(serializers.Serializer):
    reason = serializers.CharField(max_length=MOST_WORDS)


class StatementInput(serializers.Serializer):
    statement = serializers.CharField(max_length=MOST_WORDS)


class DecisionInput(serializers.Serializer):
    decision = serializers.ChoiceField(choices=("uphold", "uphold_with_another", "dismiss"))
    reason = serializers.CharField(max_length=MOST_WORDS)


class ContestSerializer(serializers.ModelSerializer):
    sdr = serializers.CharField(source="hand_off.sdr.name")
    ae = serializers.CharField(source="hand_off.ae.name")
    company = serializers.CharField(source="hand_off.lead.company")
    judge = serializers.CharField(source="judge.name")
    continues_with = serializers.SerializerMethodField(
        help_text="The AE who continues after an upheld contest, where that is another; else null."
    )
    # Named, or its choices would make another enumeration of the same name in the document.
    rejection_reason = serializers.CharField()

    class Meta:
        model = Contest
        fields = (
            "id", "hand_off", "company", "sdr", "ae", "state", "opened_at", "reason", "criterion",
            "rejection_reason", "comment", "rejected_at", "judge", "due_at", "sdr_statement", "ae_statement",
            "closed_at", "decision_reason", "followed", "continues_with",
        )  # fmt: skip

    def get_continues_with(self, contest: Contest) -> str | None:
        successor = contest.hand_off.successor
        return successor.name if successor is not None else None


class ContestPageSerializer(serializers.Serializer):
    results = ContestSerializer(many=True)
    next_after = serializers.CharField(help_text='The cursor of the next page; "" on the last.')
