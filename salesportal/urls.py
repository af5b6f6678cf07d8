"""Where each app's addresses begin. Sign-in pages are allauth's, one by one: nobody signs up alone."""

from django.urls import include, path

urlpatterns = [
    path("", include("apps.portal.urls")),
    path("sign-in/", include("apps.accounts.urls")),
    path("people/reps/", include("apps.reps.urls")),
    path("people/", include("apps.accounts.people_urls")),
    path("jobs/", include("apps.jobs.urls")),
    path("healthz/", include("apps.jobs.health")),
    path("audit/", include("apps.audit.urls")),
    path("", include("apps.leads.urls")),
    path("slas/", include("apps.slas.urls")),
    path("customers/", include("apps.customers.urls")),
    path("pay/", include("apps.compensation.urls")),
    path("scorecards/", include("apps.scorecards.urls")),
    path("data/", include("apps.integrations.urls")),
    path("api/v1/", include("salesportal.api")),
]
