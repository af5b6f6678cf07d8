"""API addresses of capacity, hiring, training and coaching; part of the API's version 1."""

from django.urls import path

from apps.scorecards.api import capacity, training

urlpatterns = [
    path("capacity/", capacity.CapacityView.as_view(), name="capacity"),
    path("capacity/assumptions/", capacity.AssumptionsView.as_view(), name="assumptions"),
    path("capacity/assumptions/set/", capacity.SetAssumptionView.as_view(), name="assumption_set"),
    path("capacity/scenarios/", capacity.ScenariosView.as_view(), name="hiring_scenarios"),
    path("capacity/scenarios/<int:pk>/", capacity.ScenarioView.as_view(), name="hiring_scenario"),
    path("training/certifications/", training.CertificationsView.as_view(), name="certifications"),
    path("training/certifications/new/", training.WriteCertificationView.as_view(), name="certification_new"),
    path("training/dues/", training.TrainingDuesView.as_view(), name="training_dues"),
    path("training/sessions/", training.TrainingSessionsView.as_view(), name="training_sessions"),
    path("training/results/", training.CertificationResultsView.as_view(), name="training_results"),
    path("coaching/goals/", training.PracticeGoalsView.as_view(), name="practice_goals"),
    path("coaching/support/", training.SupportView.as_view(), name="support_asked"),
    path("coaching/support/<int:pk>/answer/", training.SupportAnswerView.as_view(), name="support_answer"),
    path("coaching/recordings/", training.RecordedMeetingsView.as_view(), name="recorded_meetings"),
    path(
        "coaching/recordings/<int:pk>/share/", training.ShareRecordingView.as_view(), name="recording_share"
    ),
]
