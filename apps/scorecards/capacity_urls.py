"""Addresses of capacity, hiring, training and coaching; part of this app's."""

from django.urls import path

from apps.scorecards.views import capacity, coaching, hiring, training

urlpatterns = [
    path("capacity/", capacity.capacity, name="capacity"),
    path("capacity/assumptions/", capacity.assumptions, name="capacity_assumptions"),
    path("capacity/assumptions/set/", capacity.set_assumption, name="capacity_assumption_set"),
    path("capacity/hiring/", hiring.scenarios, name="hiring"),
    path("capacity/hiring/new/", hiring.new, name="hiring_new"),
    path("capacity/hiring/compare/", hiring.compare, name="hiring_compare"),
    path("capacity/hiring/<int:pk>/", hiring.scenario, name="hiring_scenario"),
    path("capacity/hiring/<int:pk>/change/", hiring.change, name="hiring_change"),
    path("capacity/hiring/<int:pk>/drop/", hiring.drop, name="hiring_drop"),
    path("training/", training.training, name="training"),
    path("training/own/", training.own, name="own_training"),
    path("training/certifications/new/", training.certification_new, name="certification_new"),
    path("training/certifications/<int:pk>/", training.certification_change, name="certification"),
    path(
        "training/certifications/<int:pk>/retire/", training.certification_retire, name="certification_retire"
    ),
    path("training/sessions/new/", training.session_new, name="training_session_new"),
    path("training/sessions/<int:pk>/", training.session, name="training_session"),
    path("training/sessions/<int:pk>/results/", training.session_results, name="training_session_results"),
    path("training/results/<int:pk>/take-back/", training.result_take_back, name="training_result_take_back"),
    path("coaching/", coaching.coaching, name="coaching"),
    path("coaching/goals/new/<int:rep>/", coaching.goal_new, name="goal_new"),
    path("coaching/goals/<int:pk>/end/", coaching.goal_end, name="goal_end"),
    path("coaching/support/<int:pk>/", coaching.support, name="support"),
    path("coaching/recordings/", coaching.recordings, name="coaching_recordings"),
    path("coaching/recordings/<int:pk>/share/", coaching.recording_share, name="recording_share"),
]
