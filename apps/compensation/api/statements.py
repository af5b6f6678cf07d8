"""Statements by API: the list, one as a whole, its lines page by page, and its files."""

from typing import Any

from django.http import FileResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.fresh import check_fresh
from apps.compensation import policies
from apps.compensation.models import LedgerEntry, ReportFormat, Statement
from apps.compensation.selectors.line_explained import explain
from apps.compensation.selectors.statement_lines import with_events
from apps.compensation.selectors.statement_page import statement_page
from apps.compensation.services import statement_downloads
from apps.compensation.views.statements import sent
from apps.core.api import PROBLEM, GuardedView, read
from apps.core.keyset import page_of
from apps.core.policies import visible_or_404

_REFUSALS = {403: PROBLEM, 404: PROBLEM}
PER_PAGE = 200


class StatementSerializer(serializers.ModelSerializer):
    """What a rep is paid by a run in one currency; amounts in minor units."""

    run = serializers.CharField(source="run.code")
    state = serializers.CharField(source="run.state")
    fingerprint = serializers.CharField(
        source="run.fingerprint", help_text="Of the run as it is now; a download asks for it."
    )
    rep_name = serializers.CharField(source="rep.name")

    class Meta:
        model = Statement
        fields = (
            "id", "run", "state", "fingerprint", "rep", "rep_name", "currency", "plan_version", "earned_minor",
            "adjustments_minor", "payable_minor", "line_count", "digest",
        )  # fmt: skip


class StatementsSerializer(serializers.Serializer):
    """A page of statements, the newest run first; ``next_after`` is the cursor of the page behind it."""

    statements = StatementSerializer(many=True)
    next_after = serializers.CharField(allow_blank=True)


class StepSerializer(serializers.Serializer):
    word = serializers.CharField()
    amount_minor = serializers.IntegerField()


class BandSerializer(serializers.Serializer):
    label = serializers.CharField()  # type: ignore[assignment]
    rate = serializers.CharField()
    base_in_words = serializers.CharField()
    amount_minor = serializers.IntegerField()
    is_reached = serializers.BooleanField()


class ComponentSerializer(serializers.Serializer):
    key = serializers.CharField()
    name = serializers.CharField()
    rule = serializers.CharField()
    amount_minor = serializers.IntegerField()
    line_count = serializers.IntegerField()
    bands = BandSerializer(many=True)


class AdjustmentSerializer(serializers.Serializer):
    """What one cause moved in one earlier period."""

    period = serializers.CharField(source="period.code")
    cause = serializers.CharField()
    cause_event = serializers.IntegerField(source="cause_event_id", allow_null=True)
    amount_minor = serializers.IntegerField()
    line_count = serializers.IntegerField()


class BalanceSerializer(serializers.Serializer):
    title = serializers.CharField()
    opening_minor = serializers.IntegerField()
    rows = StepSerializer(many=True)
    closing_minor = serializers.IntegerField()


class ComparedSerializer(serializers.Serializer):
    name = serializers.CharField()
    now_minor = serializers.IntegerField()
    before_minor = serializers.IntegerField()
    change_minor = serializers.IntegerField()


class TrailSerializer(serializers.Serializer):
    word = serializers.CharField()
    at = serializers.DateTimeField(allow_null=True)
    by = serializers.CharField(allow_blank=True)


class WholeStatementSerializer(serializers.Serializer):
    """A statement as its page shows it, lines aside. ``steps`` sum to what is payable."""

    statement = StatementSerializer()
    steps = StepSerializer(many=True)
    components = ComponentSerializer(many=True)
    adjustments = AdjustmentSerializer(many=True)
    balances = BalanceSerializer(many=True)
    previous = serializers.IntegerField(allow_null=True, help_text="The statement that it is compared with.")
    compared = ComparedSerializer(many=True)
    comparison = serializers.CharField(allow_blank=True)
    sentence = serializers.CharField()
    trail = TrailSerializer(many=True)


class LineSerializer(serializers.ModelSerializer):
    """A line as posted: what it adds, and what its source has earned in all as of it, in minor units."""

    title = serializers.CharField()
    occurred_at = serializers.DateTimeField(source="event.occurred_at", default=None)
    hand_off = serializers.IntegerField(source="event.hand_off_id", default=None)

    class Meta:
        model = LedgerEntry
        fields = (
            "id", "component_key", "component_name", "kind", "title", "event", "occurred_at", "hand_off",
            "starts_on", "ends_on", "source_key", "sequence", "amount_minor", "earned_minor", "currency", "band",
            "rate", "formula", "cause", "cause_event", "plan_version", "place", "share",
        )  # fmt: skip


class LinesSerializer(serializers.Serializer):
    """A page of lines in the order of posting; ``next_after`` is the cursor of the page behind it."""

    lines = LineSerializer(many=True)
    next_after = serializers.CharField(allow_blank=True)


class ExplainedSerializer(serializers.Serializer):
    """Why a line is what it is."""

    line = LineSerializer(source="entry")
    words = serializers.CharField()
    rounding = serializers.CharField()
    credit = serializers.CharField()
    event_opens = serializers.BooleanField(help_text="Whether the caller may open the event itself.")


class TakeInput(serializers.Serializer):
    """The run's fingerprint as it was seen: a file of another state is refused."""

    fingerprint = serializers.CharField(max_length=64)


def _found(request: Request, pk: int) -> Statement:
    people = (f"run__{step}_by" for step in ("computed", "submitted", "approved", "locked", "paid"))
    rows = Statement.objects.visible_to(request.user).select_related(
        "rep", "plan_version__plan", "run", *people
    )
    found: Statement = visible_or_404(rows, pk=pk)
    return found


class StatementsView(GuardedView):
    """Statements in the caller's scope."""

    policy = policies.SEE_STATEMENT

    @extend_schema(
        operation_id="statements",
        parameters=[
            OpenApiParameter("run", OpenApiTypes.STR, description="The run's code, such as 2026-10."),
            OpenApiParameter("after", OpenApiTypes.STR),
        ],
        responses={200: StatementsSerializer, 403: PROBLEM},
    )
    def get(self, request: Request) -> Response:
        rows = Statement.objects.visible_to(request.user).select_related("run", "rep")
        if code := request.query_params.get("run"):
            rows = rows.filter(run__code=code)
        page = page_of(rows, by=("-run_id", "-pk"), after=request.query_params.get("after", ""))
        return Response(StatementsSerializer({"statements": page.rows, "next_after": page.next_after}).data)


class StatementView(GuardedView):
    """One statement: sums, waterfall, components, adjustments, balances, comparison, trail."""

    policy = policies.SEE_STATEMENT

    @extend_schema(operation_id="statement", responses={200: WholeStatementSerializer, **_REFUSALS})
    def get(self, request: Request, pk: int) -> Response:
        page = statement_page(_found(request, pk), shown=0)
        return Response(WholeStatementSerializer(_whole(page)).data)


def _whole(page: Any) -> dict[str, Any]:
    def rows(balance: Any) -> list[dict[str, Any]]:
        return [{"word": row.word, "amount_minor": row.amount_minor} for row in balance.rows]

    return {
        "statement": page.statement,
        "steps": [{"word": word, "amount_minor": amount} for word, amount in page.steps],
        "components": page.components,
        "adjustments": [*page.adjustments, *page.adjustments_left_out],
        "balances": [
            {
                "title": one.title,
                "opening_minor": one.opening_minor,
                "rows": rows(one),
                "closing_minor": one.closing_minor,
            }
            for one in page.balances
        ],
        "previous": page.previous.pk if page.previous else None,
        "compared": page.compared,
        "comparison": page.comparison,
        "sentence": page.sentence,
        "trail": page.trail,
    }


class StatementLinesView(GuardedView):
    """The lines of a statement as posted; they sum to what is payable."""

    policy = policies.SEE_STATEMENT

    @extend_schema(
        operation_id="statement_lines",
        parameters=[
            OpenApiParameter(
                "component", OpenApiTypes.STR, description="A component's key; all when left out."
            ),
            OpenApiParameter("after", OpenApiTypes.STR),
        ],
        responses={200: LinesSerializer, **_REFUSALS},
    )
    def get(self, request: Request, pk: int) -> Response:
        rows = with_events().filter(statement=_found(request, pk))
        if component := request.query_params.get("component"):
            rows = rows.filter(component_key=component)
        page = page_of(rows, by=("pk",), after=request.query_params.get("after", ""), size=PER_PAGE)
        return Response(LinesSerializer({"lines": page.rows, "next_after": page.next_after}).data)


class StatementLineView(GuardedView):
    """One line, explained."""

    policy = policies.SEE_STATEMENT

    @extend_schema(operation_id="statement_line", responses={200: ExplainedSerializer, **_REFUSALS})
    def get(self, request: Request, pk: int) -> Response:
        visible = Statement.objects.visible_to(request.user)
        rows = with_events().filter(statement__in=visible).select_related("plan_version__plan")
        entry = visible_or_404(rows, pk=pk)
        return Response(ExplainedSerializer(explain(entry, request.user)).data)


class StatementFileView(GuardedView):
    """A statement as CSV, XLSX or PDF, or its proof pack; that it was taken is recorded."""

    policy = policies.SEE_STATEMENT
    FORMATS = (ReportFormat.CSV.value, ReportFormat.XLSX.value, ReportFormat.PDF.value)

    @extend_schema(
        operation_id="statement_file",
        request=TakeInput,
        parameters=[
            OpenApiParameter("what", OpenApiTypes.STR, OpenApiParameter.PATH, enum=[*FORMATS, "proof"]),
        ],
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            400: PROBLEM,
            409: PROBLEM,
            **_REFUSALS,
        },
    )
    def post(self, request: Request, pk: int, what: str) -> FileResponse:
        check_fresh(request._request)
        statement = _found(request, pk)
        seen = read(TakeInput, request)["fingerprint"]
        taken = {"statement": statement, "fingerprint": seen, "at": timezone.now(), "actor": request.user}
        if what == "proof":
            return sent(statement_downloads.download_proof(**taken))
        return sent(statement_downloads.download_statement(file_format=what, **taken))
