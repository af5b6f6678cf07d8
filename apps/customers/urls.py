"""Addresses of this app."""

from django.urls import path

from apps.customers.views import acts, customers, handling, pass_ons

app_name = "customers"
urlpatterns = [
    path("", customers.home, name="home"),
    path("retention/", customers.retention, name="retention"),
    path("handling/", handling.handling, name="handling"),
    path("pass-ons/<int:pk>/", pass_ons.pass_on, name="pass_on"),
    path("pass-ons/<int:pk>/write/", pass_ons.write, name="pass_on_write"),
    path("pass-ons/<int:pk>/accept/", pass_ons.accept, name="pass_on_accept"),
    path("pass-ons/<int:pk>/send-back/", pass_ons.back, name="pass_on_back"),
    path("accounts/<int:pk>/", customers.customer, name="customer"),
    path("accounts/<int:pk>/value/", customers.value, name="value"),
    path("accounts/<int:pk>/health/", acts.health, name="health"),
    path("accounts/<int:pk>/nps/", acts.nps, name="nps"),
    path("accounts/<int:pk>/churn/", acts.churn, name="churn"),
    path("churns/<int:pk>/take-back/", acts.churn_back, name="churn_back"),
    path("contracts/<int:pk>/", acts.contract, name="contract"),
    path("contracts/<int:pk>/renew/", acts.renew, name="contract_renew"),
    path("promises/<int:pk>/", acts.promise, name="promise"),
]
