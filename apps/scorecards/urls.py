"""Addresses of this app."""

from django.urls import path

from apps.scorecards import capacity_urls, review_urls
from apps.scorecards.views import cards, events, ranking, ranking_holds, ranking_policies, standings, targets

app_name = "scorecards"
urlpatterns = [
    path("", cards.scorecards, name="list"),
    path("own/", cards.own, name="own"),
    path("<int:pk>/", cards.scorecard, name="scorecard"),
    path("<int:pk>/sign/", cards.sign, name="sign"),
    path("reps/<int:rep>/<str:period>/", cards.scorecard_of, name="scorecard_of"),
    path("reps/<int:rep>/<str:period>/notes/", cards.write_note, name="note"),
    path("reps/<int:rep>/<str:period>/private-notes/", cards.write_private_note, name="private_note"),
    path("reps/<int:rep>/<str:period>/actions/", cards.agree_action, name="action"),
    path("reps/<int:rep>/<str:period>/pdf/", cards.download, name="card_pdf"),
    path("actions/<int:pk>/close/", cards.close_action, name="action_close"),
    path("reps/<int:rep>/<str:period>/events/<slug:key>/", events.events, name="events"),
    path("ranking/", ranking.ranking, name="ranking"),
    path("ranking/<int:pk>/", ranking.standing, name="standing"),
    path("ranking/recompute/", ranking.recompute, name="recompute"),
    path("ranking/made/<int:pk>/since/", ranking.since, name="since_frozen"),
    path("ranking/policies/", ranking_policies.policy_list, name="ranking_policies"),
    path("ranking/policies/new/", ranking_policies.policy_new, name="ranking_policy_new"),
    path("ranking/policies/<int:pk>/", ranking_policies.policy_detail, name="ranking_policy"),
    path("ranking/policies/<int:pk>/change/", ranking_policies.policy_edit, name="ranking_policy_edit"),
    path("ranking/policies/<int:pk>/replay/", ranking_policies.policy_replay, name="ranking_policy_replay"),
    path(
        "ranking/policies/<int:pk>/put-in-force/",
        ranking_policies.policy_put_in_force,
        name="ranking_policy_put_in_force",
    ),
    path("ranking/policies/<int:pk>/drop/", ranking_policies.policy_drop, name="ranking_policy_drop"),
    path("ranking/holds/of/<int:rep>/", ranking_holds.hold, name="ranking_hold"),
    path("ranking/holds/<int:pk>/lift/", ranking_holds.lift, name="ranking_hold_lift"),
    path("standing/", standings.own_standing, name="own_standing"),
    path("standing/<int:rep>/", standings.standing_of, name="standing_of"),
    path("target/", targets.target, name="team_target"),
    path(
        "target/<int:team>/<str:period>/events/<slug:key>/",
        events.target_events,
        name="team_target_events",
    ),
    path("metrics/", events.metrics, name="metrics"),
    *capacity_urls.urlpatterns,
    *review_urls.urlpatterns,
]
