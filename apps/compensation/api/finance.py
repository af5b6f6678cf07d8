"""Payout runs by API: the worklist and its verdicts, files of a run, payroll layouts, accruals."""

from typing import Any

from django.conf import settings
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.fresh import check_fresh
from apps.compensation import policies
from apps.compensation.models import (
    Download,
    FileKind,
    KeptFile,
    PayoutRun,
    PayrollLayout,
    ReportFormat,
    ReviewVerdict,
    RunState,
    Statement,
)
from apps.compensation.selectors import reviews as selector
from apps.compensation.selectors.accruals import accruals
from apps.compensation.services import accrual_downloads, downloads, finance_files, payroll_layouts, reviews
from apps.compensation.views.statements import sent
from apps.core.api import PROBLEM, GuardedView, read
from apps.core.errors import InvalidInput
from apps.core.keyset import page_of
from apps.core.periods import day_of
from apps.core.policies import visible_or_404

_SEEN = {403: PROBLEM, 404: PROBLEM}
_REFUSALS = {400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM}
_FILE = OpenApiResponse(OpenApiTypes.BINARY)


class RunSerializer(serializers.ModelSerializer):
    """``fingerprint`` is what a download or an approval is asked with."""

    class Meta:
        model = PayoutRun
        fields = ("id", "code", "starts_on", "ends_on", "state", "fingerprint", "computations")


class RunsSerializer(serializers.Serializer):
    runs = RunSerializer(many=True)
    next_after = serializers.CharField(allow_blank=True)


class RunsView(GuardedView):
    """Payout runs, the newest period first."""

    policy = policies.SEE_RUNS

    @extend_schema(operation_id="payout_runs", responses={200: RunsSerializer, 403: PROBLEM})
    def get(self, request: Request) -> Response:
        page = page_of(
            PayoutRun.objects.visible_to(request.user),
            by=("-starts_on", "-pk"),
            after=request.query_params.get("after", ""),
        )
        return Response(RunsSerializer({"runs": page.rows, "next_after": page.next_after}).data)


class OdditySerializer(serializers.Serializer):
    kind = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    says = serializers.CharField()


class ReviewedPaySerializer(serializers.Serializer):
    statement = serializers.IntegerField(source="pk")
    currency = serializers.CharField()
    earned_minor = serializers.IntegerField()
    adjustments_minor = serializers.IntegerField()
    payable_minor = serializers.IntegerField()


class ReviewedPersonSerializer(serializers.Serializer):
    """``digest`` is what a verdict is given with: another one means the pay changed since."""

    rep = serializers.IntegerField(source="rep_id")
    name = serializers.CharField()
    team = serializers.CharField()
    state = serializers.CharField(help_text="waiting, approved or sent_back")
    changed = serializers.BooleanField(help_text="approved once, and computed otherwise since")
    digest = serializers.CharField()
    statements = ReviewedPaySerializer(many=True)
    oddities = OdditySerializer(many=True)


class WorklistSerializer(serializers.Serializer):
    people = ReviewedPersonSerializer(many=True)


class VerdictSerializer(serializers.Serializer):
    rep = serializers.IntegerField(min_value=1)
    digest = serializers.CharField(max_length=64)


class VerdictsInput(serializers.Serializer):
    """One verdict on one person or several, as they were seen."""

    verdict = serializers.ChoiceField(choices=ReviewVerdict.choices)
    people = VerdictSerializer(many=True, allow_empty=False, max_length=5_000)  # type: ignore[call-arg]
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class VerdictsKeptSerializer(serializers.Serializer):
    new = serializers.IntegerField()


def _reviewed(request: Request) -> Any:
    user: Any = request.user
    found = Statement.objects.visible_to(user)
    return found.filter(rep__team__manager=user) if user.role == "manager" else found


class WorklistView(GuardedView):
    """Everybody's pay in a run, the oddest first; and a verdict on some of it."""

    policy = policies.SEE_RUNS

    def _run(self, request: Request, pk: int) -> PayoutRun:
        runs = PayoutRun.objects.visible_to(request.user).exclude(state=RunState.COMPUTING)
        found: PayoutRun = visible_or_404(runs, pk=pk)
        return found

    @extend_schema(operation_id="pay_worklist", responses={200: WorklistSerializer, **_SEEN})
    def get(self, request: Request, pk: int) -> Response:
        run = self._run(request, pk)
        rows = selector.worklist(run, _reviewed(request).filter(run=run))
        return Response(WorklistSerializer({"people": rows}).data)

    @extend_schema(
        operation_id="review_pay",
        request=VerdictsInput,
        responses={200: VerdictsKeptSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        policies.REVIEW_PAY.check(request.user, None)
        check_fresh(request._request)
        run = self._run(request, pk)
        given = read(VerdictsInput, request)
        seen = {one["rep"]: one["digest"] for one in given["people"]}
        visible = set(_reviewed(request).filter(run=run).order_by().values_list("rep_id", flat=True))
        if not seen.keys() <= visible:
            raise InvalidInput("Name people whose pay in this run you review.", field="people")
        new = reviews.review_pay(
            run=run,
            seen=seen,
            verdict=given["verdict"],
            reason=given["reason"],
            at=timezone.now(),
            actor=request.user,
        )
        return Response({"new": new})


class RunFileInput(serializers.Serializer):
    kind = serializers.ChoiceField(choices=[(kind.value, kind.label) for kind in finance_files.KINDS])
    format = serializers.ChoiceField(choices=ReportFormat.choices)
    fingerprint = serializers.CharField(max_length=64)
    layout = serializers.IntegerField(required=False, help_text="For a payroll file; the default without it.")


class JobAskedSerializer(serializers.Serializer):
    """The job that makes the file; once it is done, its file is among the run's kept files."""

    job = serializers.IntegerField()


class RunFileView(GuardedView):
    """A file of a run: sent at once, or 202 and the job that makes it when it is large."""

    policy = policies.DOWNLOAD_REPORT

    @extend_schema(
        operation_id="download_run",
        request=RunFileInput,
        responses={200: _FILE, 202: JobAskedSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        check_fresh(request._request)
        run = visible_or_404(PayoutRun.objects.visible_to(request.user), pk=pk)
        given = read(RunFileInput, request)
        layout = None
        if given["kind"] == FileKind.PAYROLL:
            layouts = PayrollLayout.objects.filter(retired_at__isnull=True)
            chosen = {"pk": given["layout"]} if "layout" in given else {"is_default": True}
            layout = payroll_layouts.newest_of(visible_or_404(layouts, **chosen))
        made = finance_files.request_file(
            run=run,
            kind=given["kind"],
            file_format=given["format"],
            fingerprint=given["fingerprint"],
            layout=layout,
            at=timezone.now(),
            actor=request.user,
        )
        return sent(made) if isinstance(made, Download) else Response({"job": made.pk}, status=202)


class KeptFileSerializer(serializers.ModelSerializer):
    class Meta:
        model = KeptFile
        fields = ("id", "run", "kind", "format", "about", "job", "made_at", "fingerprint", "sha256", "size")


class KeptFilesSerializer(serializers.Serializer):
    files = KeptFileSerializer(many=True)
    next_after = serializers.CharField(allow_blank=True)


class KeptFilesView(GuardedView):
    """Files that workers made, the newest first."""

    policy = policies.DOWNLOAD_REPORT

    @extend_schema(operation_id="kept_files", responses={200: KeptFilesSerializer, 403: PROBLEM})
    def get(self, request: Request) -> Response:
        page = page_of(
            KeptFile.objects.all(), by=("-made_at", "-pk"), after=request.query_params.get("after", "")
        )
        return Response(KeptFilesSerializer({"files": page.rows, "next_after": page.next_after}).data)


class KeptFileView(GuardedView):
    """Take a file that a worker made; that it was taken is recorded."""

    policy = policies.DOWNLOAD_REPORT

    @extend_schema(operation_id="take_kept_file", request=None, responses={200: _FILE, **_REFUSALS})
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        check_fresh(request._request)
        kept = visible_or_404(KeptFile.objects.select_related("run"), pk=pk)
        return sent(downloads.take(kept=kept, at=timezone.now(), actor=request.user))


class LayoutSerializer(serializers.Serializer):
    id = serializers.IntegerField(source="pk")
    name = serializers.CharField()
    is_default = serializers.BooleanField()
    number = serializers.SerializerMethodField()
    document = serializers.SerializerMethodField()

    def get_number(self, layout: PayrollLayout) -> int:
        return payroll_layouts.newest_of(layout).number

    def get_document(self, layout: PayrollLayout) -> dict[str, Any]:
        document: dict[str, Any] = payroll_layouts.newest_of(layout).document
        return document


class LayoutsSerializer(serializers.Serializer):
    layouts = LayoutSerializer(many=True)


class LayoutInput(serializers.Serializer):
    """``seen``: the number of the version that is changed; without it a new layout is saved."""

    name = serializers.CharField(max_length=60)
    document = serializers.JSONField()
    seen = serializers.IntegerField(required=False, min_value=1)


class PayrollLayoutsView(GuardedView):
    """Layouts of the payroll file that are in use; and saving one."""

    policy = policies.KEEP_LAYOUTS

    @extend_schema(operation_id="payroll_layouts", responses={200: LayoutsSerializer, 403: PROBLEM})
    def get(self, request: Request) -> Response:
        layouts = PayrollLayout.objects.filter(retired_at__isnull=True)
        return Response(LayoutsSerializer({"layouts": layouts}).data)

    @extend_schema(
        operation_id="save_payroll_layout",
        request=LayoutInput,
        responses={200: LayoutSerializer, **_REFUSALS},
    )
    def post(self, request: Request) -> Response:
        given = read(LayoutInput, request)
        now = timezone.now()
        if "seen" in given:
            layout = visible_or_404(PayrollLayout.objects.all(), name=given["name"])
            made = payroll_layouts.save_layout(
                layout=layout, seen=given["seen"], document=given["document"], at=now, actor=request.user
            )
        else:
            made = payroll_layouts.create_layout(
                name=given["name"], document=given["document"], at=now, actor=request.user
            )
        return Response(LayoutSerializer(made.layout).data)


class AccruedMonthSerializer(serializers.Serializer):
    month = serializers.CharField(source="code")
    currency = serializers.CharField()
    minor = serializers.DictField(child=serializers.IntegerField(), help_text="Minor units by kind.")
    total_minor = serializers.IntegerField(help_text="Without what reps owe of draws.")


class AccrualsSerializer(serializers.Serializer):
    at = serializers.DateTimeField()
    months = AccruedMonthSerializer(many=True)
    problem = serializers.CharField(allow_blank=True, help_text="Why the open months could not be estimated.")


class AccrualsView(GuardedView):
    """What is earned and not paid yet, by month and currency."""

    policy = policies.SEE_ACCRUALS

    @extend_schema(operation_id="accruals", responses={200: AccrualsSerializer, 403: PROBLEM})
    def get(self, request: Request) -> Response:
        now = timezone.now()
        found = accruals(today=day_of(now, settings.COMPANY_TIME_ZONE), at=now)
        return Response(AccrualsSerializer(found).data)


class AccrualsFileInput(serializers.Serializer):
    format = serializers.ChoiceField(choices=ReportFormat.choices)


class AccrualsFileView(GuardedView):
    """The accruals as a file; that it was taken is recorded."""

    policy = policies.DOWNLOAD_REPORT

    @extend_schema(
        operation_id="download_accruals", request=AccrualsFileInput, responses={200: _FILE, **_REFUSALS}
    )
    def post(self, request: Request) -> HttpResponseBase:
        check_fresh(request._request)
        given = read(AccrualsFileInput, request)
        made = accrual_downloads.download_accruals(
            file_format=given["format"], at=timezone.now(), actor=request.user
        )
        return sent(made)
