"""The API's routes, version 1: thin doors to the services behind the pages."""

from django.urls import path
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView

from apps.audit import api as audit
from apps.compensation.api import estimates, finance, inquiry_urls, money, plans, replays, splits, statements
from apps.core.policies import SIGNED_IN, DeniedUnlessDeclared
from apps.customers.api import departures
from apps.customers.api import views as customers
from apps.integrations.api import capture, webhooks
from apps.jobs.api import JobView
from apps.leads.api import (
    answers,
    bookable,
    credit_rules,
    gates,
    intake,
    meetings,
    opportunities,
    routing,
    visits,
    work,
)
from apps.leads.api import views as leads
from apps.scorecards.api import capacity_urls, cards, ranking, review, roi


@extend_schema(exclude=True)
class SchemaView(SpectacularAPIView):
    """The OpenAPI document. (The library would serve it to anyone.)"""

    policy = SIGNED_IN
    permission_classes = [DeniedUnlessDeclared]


app_name = "api"
urlpatterns = [
    path("schema/", SchemaView.as_view(), name="schema"),
    path("plans/", plans.PlansView.as_view(), name="plans"),
    path("plans/check/", plans.PlanCheckView.as_view(), name="plan_check"),
    path("plans/load/", plans.PlanLoadView.as_view(), name="plan_load"),
    path("plans/acknowledgements/", plans.PlanAcknowledgementsView.as_view(), name="plan_acknowledgements"),
    path("plans/versions/<int:pk>/", plans.PlanVersionView.as_view(), name="plan_version"),
    path("plans/versions/<int:pk>/submit/", plans.PlanSubmitView.as_view(), name="plan_submit"),
    path("plans/versions/<int:pk>/approve/", plans.PlanApproveView.as_view(), name="plan_approve"),
    path("plans/versions/<int:pk>/send-back/", plans.PlanSendBackView.as_view(), name="plan_send_back"),
    path(
        "plans/versions/<int:pk>/acknowledge/", plans.PlanAcknowledgeView.as_view(), name="plan_acknowledge"
    ),
    path("queue/", leads.QueueView.as_view(), name="queue"),
    path("touches/", leads.TouchesView.as_view(), name="touches"),
    path("touches/<int:pk>/undo/", work.UndoTouchView.as_view(), name="undo_touch"),
    path("queue/next/", work.NextView.as_view(), name="next"),
    path("leads/", intake.LeadsView.as_view(), name="leads"),
    path("suppressions/", intake.SuppressionsView.as_view(), name="suppressions"),
    path("leads/<int:pk>/", work.LeadView.as_view(), name="lead"),
    path("leads/<int:pk>/timeline/", work.TimelineView.as_view(), name="timeline"),
    path("leads/<int:pk>/release/", work.ReleaseView.as_view(), name="release"),
    path("leads/<int:pk>/proposal/", work.ProposalView.as_view(), name="proposal"),
    path("leads/<int:pk>/routing/", routing.LeadRoutingView.as_view(), name="lead_routing"),
    path("routing/policies/", routing.RoutingPoliciesView.as_view(), name="routing_policies"),
    path("routing/policies/<int:pk>/", routing.RoutingPolicyView.as_view(), name="routing_policy"),
    path("leads/<int:pk>/offers/", meetings.OffersView.as_view(), name="offers"),
    path("leads/<int:pk>/preferred-times/", meetings.PreferredTimesView.as_view(), name="preferred_times"),
    path("leads/<int:pk>/slot/", meetings.HoldSlotView.as_view(), name="hold_slot"),
    path("leads/<int:pk>/book/", meetings.BookView.as_view(), name="book"),
    path("meetings/", meetings.MeetingsView.as_view(), name="meetings"),
    path("meetings/<int:pk>/reschedule/", meetings.RescheduleView.as_view(), name="meeting_reschedule"),
    path("meetings/<int:pk>/cancel/", meetings.CancelView.as_view(), name="meeting_cancel"),
    path("meetings/<int:pk>/close/", meetings.CloseView.as_view(), name="meeting_close"),
    path("meetings/<int:pk>/ics/", meetings.CalendarFileView.as_view(), name="meeting_ics"),
    path("visits/", visits.VisitsView.as_view(), name="visits"),
    path("visits/batch/", visits.VisitsBatchView.as_view(), name="visits_batch"),
    path("hand-offs/", leads.HandOffsView.as_view(), name="hand_offs"),
    path("hand-offs/<int:pk>/accept/", leads.AcceptView.as_view(), name="accept"),
    path("hand-offs/<int:pk>/reject/", leads.RejectView.as_view(), name="reject"),
    path("hand-offs/<int:pk>/undo/", answers.UndoAnswerView.as_view(), name="undo_answer"),
    path("hand-offs/<int:pk>/contest/", answers.ContestHandOffView.as_view(), name="contest_hand_off"),
    path("contests/", answers.ContestsView.as_view(), name="contests"),
    path("contests/<int:pk>/", answers.ContestView.as_view(), name="contest"),
    path("contests/<int:pk>/statement/", answers.StatementView.as_view(), name="contest_statement"),
    path("contests/<int:pk>/withdraw/", answers.WithdrawView.as_view(), name="contest_withdraw"),
    path("contests/<int:pk>/decide/", answers.DecideView.as_view(), name="contest_decide"),
    path("opportunities/", leads.OpportunitiesView.as_view(), name="opportunities"),
    path("metrics/", cards.MetricsView.as_view(), name="metrics"),
    path("scorecards/", cards.CardsView.as_view(), name="scorecards"),
    path(
        "scorecards/actions/<int:pk>/close/", cards.CardActionClosingView.as_view(), name="card_action_close"
    ),
    path("scorecards/<int:rep>/<str:period>/", cards.CardView.as_view(), name="scorecard"),
    path("scorecards/<int:rep>/<str:period>/notes/", cards.CardNotesView.as_view(), name="card_notes"),
    path(
        "scorecards/<int:rep>/<str:period>/private-notes/",
        cards.CardPrivateNotesView.as_view(),
        name="card_private_notes",
    ),
    path("scorecards/<int:rep>/<str:period>/actions/", cards.CardActionsView.as_view(), name="card_actions"),
    path("scorecards/<int:rep>/<str:period>/sign/", cards.CardSignView.as_view(), name="card_sign"),
    path("reviews/", review.ReviewsView.as_view(), name="weekly_reviews"),
    path("reviews/<int:pk>/", review.ReviewView.as_view(), name="weekly_review"),
    path("reviews/<int:pk>/items/", review.ReviewItemsView.as_view(), name="review_items"),
    path("reviews/items/<int:pk>/end/", review.ReviewItemEndView.as_view(), name="review_item_end"),
    path("complaints/", review.ComplaintsView.as_view(), name="complaints"),
    path("complaints/new/", review.ComplainView.as_view(), name="complain"),
    path("targets/<int:team>/", review.TeamTargetView.as_view(), name="team_target"),
    path("lead-roi/", roi.LeadRoiView.as_view(), name="lead_roi"),
    path("spend/", roi.SpendView.as_view(), name="spend"),
    path("spend/<int:pk>/correct/", roi.SpendCorrectView.as_view(), name="spend_correct"),
    path("ranking/", ranking.RankingView.as_view(), name="ranking"),
    path("ranking/policies/", ranking.RankingPoliciesView.as_view(), name="ranking_policies"),
    path("ranking/policies/drafts/", ranking.RankingDraftsView.as_view(), name="ranking_drafts"),
    path(
        "ranking/policies/<int:pk>/put-in-force/",
        ranking.RankingInForceView.as_view(),
        name="ranking_in_force",
    ),
    path("ranking/policies/<int:pk>/replay/", ranking.RankingReplayView.as_view(), name="ranking_replay"),
    path("ranking/holds/", ranking.RankingHoldsView.as_view(), name="ranking_holds"),
    path("ranking/holds/<int:pk>/lift/", ranking.RankingHoldLiftView.as_view(), name="ranking_lift"),
    path("standings/<int:rep>/", ranking.StandingView.as_view(), name="standing"),
    path("opportunities/<int:pk>/", opportunities.OpportunityView.as_view(), name="opportunity"),
    path("opportunities/<int:pk>/move/", opportunities.MoveView.as_view(), name="opportunity_move"),
    path("opportunities/<int:pk>/answers/", opportunities.AnswersView.as_view(), name="opportunity_answers"),
    path("opportunities/<int:pk>/undo/", opportunities.UndoView.as_view(), name="opportunity_undo"),
    path("customers/<int:pk>/", customers.CustomerView.as_view(), name="customer"),
    path("customers/<int:pk>/health/", customers.HealthView.as_view(), name="customer_health"),
    path("customers/<int:pk>/nps/", customers.NpsView.as_view(), name="customer_nps"),
    path("customers/<int:pk>/departures/", departures.DeparturesView.as_view(), name="departures"),
    path("customers/<int:pk>/departures/record/", departures.DepartView.as_view(), name="depart"),
    path("departures/<int:pk>/take-back/", departures.TakeDepartureBackView.as_view(), name="departure_back"),
    path("stage-gates/", gates.GatesView.as_view(), name="gates"),
    path("stage-gates/write/", gates.WriteGateView.as_view(), name="gate_write"),
    path("stage-gates/<int:pk>/withdraw/", gates.WithdrawGateView.as_view(), name="gate_withdraw"),
    path("pass-ons/<int:pk>/accept/", customers.AcceptPassOnView.as_view(), name="pass_on_accept"),
    path("bookable-time/<int:pk>/", bookable.BookableView.as_view(), name="bookable"),
    path("bookable-time/<int:pk>/time-off/", bookable.TimeOffsView.as_view(), name="time_offs"),
    path("bookable-time/<int:pk>/busy/", bookable.BusyTimesView.as_view(), name="busy_times"),
    path("bookable-time/<int:pk>/calendars/", bookable.BusyCalendarsView.as_view(), name="busy_calendars"),
    path("bookable-time/<int:pk>/caps/", bookable.CapsView.as_view(), name="caps"),
    path("time-off/<int:pk>/", bookable.TimeOffView.as_view(), name="time_off"),
    path("busy-times/<int:pk>/", bookable.BusyTimeView.as_view(), name="busy_time"),
    path("busy-calendars/<int:pk>/", bookable.BusyCalendarView.as_view(), name="busy_calendar"),
    path("replays/", replays.ReplaysView.as_view(), name="replays"),
    path("replays/<int:pk>/", replays.ReplayView.as_view(), name="replay"),
    path("replays/<int:pk>/download/", replays.ReplayFileView.as_view(), name="replay_download"),
    path("credit-splits/", splits.SplitsView.as_view(), name="splits"),
    path("credit-splits/<int:pk>/", splits.SplitView.as_view(), name="split"),
    path("credit-splits/<int:pk>/approve/", splits.ApproveSplitView.as_view(), name="split_approve"),
    path("credit-splits/<int:pk>/decline/", splits.DeclineSplitView.as_view(), name="split_decline"),
    path("credit-splits/<int:pk>/withdraw/", splits.WithdrawSplitView.as_view(), name="split_withdraw"),
    path("credit-splits/<int:pk>/take-back/", splits.TakeBackSplitView.as_view(), name="split_take_back"),
    path("credit-rules/", credit_rules.CreditRulesView.as_view(), name="credit_rules"),
    path(
        "credit-rules/<int:pk>/approve/",
        credit_rules.ApproveCreditRuleView.as_view(),
        name="credit_rule_approve",
    ),
    path("credit-rules/<int:pk>/end/", credit_rules.EndCreditRuleView.as_view(), name="credit_rule_end"),
    path("webhooks/", webhooks.WebhooksView.as_view(), name="webhooks"),
    path("webhooks/<int:pk>/", webhooks.WebhookView.as_view(), name="webhook"),
    path("webhooks/<int:pk>/rotate/", webhooks.RotateWebhookView.as_view(), name="webhook_rotate"),
    path("webhooks/<int:pk>/messages/", webhooks.WebhookMessagesView.as_view(), name="webhook_messages"),
    path("webhook-messages/<int:pk>/", webhooks.WebhookMessageView.as_view(), name="webhook_message"),
    path(
        "webhook-messages/<int:pk>/send-again/",
        webhooks.SendWebhookAgainView.as_view(),
        name="webhook_send_again",
    ),
    path("capture/<str:key>/", capture.CaptureView.as_view(), name="capture"),
    path("capture/<str:key>/time/", capture.CaptureTimeView.as_view(), name="capture_time"),
    path("exchange-rates/", money.RatesView.as_view(), name="exchange_rates"),
    path("payout-currencies/", money.PayoutCurrenciesView.as_view(), name="payout_currencies"),
    path("payments/", money.PaymentsView.as_view(), name="payments"),
    path("payments/<int:pk>/reverse/", money.ReversePaymentView.as_view(), name="payment_reverse"),
    path("payout-runs/", finance.RunsView.as_view(), name="payout_runs"),
    path("payout-runs/<int:pk>/worklist/", finance.WorklistView.as_view(), name="pay_worklist"),
    path("payout-runs/<int:pk>/file/", finance.RunFileView.as_view(), name="run_file"),
    path("kept-files/", finance.KeptFilesView.as_view(), name="kept_files"),
    path("kept-files/<int:pk>/", finance.KeptFileView.as_view(), name="kept_file"),
    path("payroll-layouts/", finance.PayrollLayoutsView.as_view(), name="payroll_layouts"),
    path("accruals/", finance.AccrualsView.as_view(), name="accruals"),
    path("accruals/file/", finance.AccrualsFileView.as_view(), name="accruals_file"),
    path("statements/", statements.StatementsView.as_view(), name="statements"),
    path("statements/<int:pk>/", statements.StatementView.as_view(), name="statement"),
    path("statements/<int:pk>/lines/", statements.StatementLinesView.as_view(), name="statement_lines"),
    path(
        "statements/<int:pk>/files/<str:what>/", statements.StatementFileView.as_view(), name="statement_file"
    ),
    path("statement-lines/<int:pk>/", statements.StatementLineView.as_view(), name="statement_line"),
    path("pay/estimate/", estimates.EstimateView.as_view(), name="pay_estimate"),
    path("audit/", audit.AuditLogView.as_view(), name="audit_log"),
    path("audit/chain/", audit.AuditChainView.as_view(), name="audit_chain"),
    *inquiry_urls.urlpatterns,
    *capacity_urls.urlpatterns,
    path("jobs/<int:pk>/", JobView.as_view(), name="job"),
]
