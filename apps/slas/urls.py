"""Addresses of this app."""

from django.urls import path

from apps.slas.views import board, clocks, forecast, policies

app_name = "slas"
urlpatterns = [
    path("", board.board, name="board"),
    path("live/", board.live, name="live"),
    path("clocks/<int:pk>/", clocks.clock, name="clock"),
    path("clocks/<int:pk>/pause/", clocks.pause, name="clock_pause"),
    path("clocks/<int:pk>/resume/", clocks.resume, name="clock_resume"),
    path("clocks/<int:pk>/reason/", clocks.reason, name="clock_reason"),
    path("rebase/", clocks.rebase, name="rebase"),
    path("reasons/", clocks.reasons, name="reasons"),
    path("forecast/", forecast.forecast, name="forecast"),
    path("forecast/move/", forecast.move, name="forecast_move"),
    path("policies/", policies.policy_list, name="policies"),
    path("policies/new/", policies.policy_new, name="policy_new"),
    path("policies/<int:pk>/", policies.policy_detail, name="policy"),
    path("policies/<int:pk>/edit/", policies.policy_edit, name="policy_edit"),
    path("policies/<int:pk>/move/", policies.policy_move, name="policy_move"),
    path("policies/<int:pk>/dry-run/", policies.policy_dry_run, name="policy_dry_run"),
    path("policies/<int:pk>/switch-on/", policies.policy_switch_on, name="policy_switch_on"),
    path("policies/<int:pk>/retire/", policies.policy_retire, name="policy_retire"),
]
