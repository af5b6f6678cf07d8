"""Addresses of this app."""

from django.urls import path

from apps.compensation.views import plans, runs, statements

app_name = "compensation"
urlpatterns = [
    path("", statements.own, name="own"),
    path("statements/", statements.statements, name="statements"),
    path("statements/<int:pk>/", statements.statement, name="statement"),
    path("statements/<int:pk>/csv/", statements.download_statement, name="statement_csv"),
    path("statements/<int:pk>/lines/<str:component>/", statements.component_lines, name="component_lines"),
    path("lines/<int:pk>/", statements.line, name="line"),
    path("runs/", runs.run_list, name="runs"),
    path("runs/start/", runs.start, name="run_start"),
    path("runs/<int:pk>/", runs.run, name="run"),
    path("runs/<int:pk>/compute/", runs.compute, name="run_compute"),
    path("runs/<int:pk>/submit/", runs.submit, name="run_submit"),
    path("runs/<int:pk>/approve/", runs.approve, name="run_approve"),
    path("runs/<int:pk>/send-back/", runs.send_back, name="run_send_back"),
    path("runs/<int:pk>/lock/", runs.lock, name="run_lock"),
    path("runs/<int:pk>/pay/", runs.pay, name="run_pay"),
    path("runs/<int:pk>/download/", runs.download, name="run_download"),
    path("downloads/", runs.download_log, name="downloads"),
    path("plans/", plans.plan_list, name="plans"),
    path("plans/versions/<int:pk>/", plans.plan_version, name="plan_version"),
    path("plans/versions/<int:pk>/approve/", plans.approve_version, name="plan_approve"),
]
