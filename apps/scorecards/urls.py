"""Addresses of this app."""

from django.urls import path

from apps.scorecards.views import cards, events, ranking, targets

app_name = "scorecards"
urlpatterns = [
    path("", cards.scorecards, name="list"),
    path("own/", cards.own, name="own"),
    path("<int:pk>/", cards.scorecard, name="scorecard"),
    path("<int:pk>/sign/", cards.sign, name="sign"),
    path("reps/<int:rep>/<str:period>/", cards.scorecard_of, name="scorecard_of"),
    path("reps/<int:rep>/<str:period>/notes/", cards.write_note, name="note"),
    path("reps/<int:rep>/<str:period>/events/<slug:key>/", events.events, name="events"),
    path("ranking/", ranking.ranking, name="ranking"),
    path("ranking/<int:pk>/", ranking.standing, name="standing"),
    path("ranking/recompute/", ranking.recompute, name="recompute"),
    path("target/", targets.target, name="team_target"),
    path(
        "target/<int:team>/<str:period>/events/<slug:key>/",
        events.target_events,
        name="team_target_events",
    ),
    path("metrics/", events.metrics, name="metrics"),
]
