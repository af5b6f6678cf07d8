"""The API's routes, version 1: thin doors to the services behind the pages. Pay is not among them yet."""

from django.urls import path
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView

from apps.core.policies import SIGNED_IN, DeniedUnlessDeclared
from apps.jobs.api import JobView
from apps.leads.api import intake, visits, work
from apps.leads.api import views as leads


@extend_schema(exclude=True)
class SchemaView(SpectacularAPIView):
    """The OpenAPI document. (The library would serve it to anyone.)"""

    policy = SIGNED_IN
    permission_classes = [DeniedUnlessDeclared]


app_name = "api"
urlpatterns = [
    path("schema/", SchemaView.as_view(), name="schema"),
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
    path("visits/", visits.VisitsView.as_view(), name="visits"),
    path("visits/batch/", visits.VisitsBatchView.as_view(), name="visits_batch"),
    path("hand-offs/", leads.HandOffsView.as_view(), name="hand_offs"),
    path("hand-offs/<int:pk>/accept/", leads.AcceptView.as_view(), name="accept"),
    path("hand-offs/<int:pk>/reject/", leads.RejectView.as_view(), name="reject"),
    path("opportunities/", leads.OpportunitiesView.as_view(), name="opportunities"),
    path("jobs/<int:pk>/", JobView.as_view(), name="job"),
]
