"""Addresses of this app."""

from django.urls import path

from apps.jobs import views

app_name = "jobs"
urlpatterns = [
    path("", views.job_list, name="list"),
    path("<int:pk>/", views.job_detail, name="detail"),
    path("<int:pk>/card/", views.job_card, name="card"),
    path("<int:pk>/cancel/", views.cancel_job, name="cancel"),
    path("<int:pk>/resume/", views.resume_job, name="resume"),
]
