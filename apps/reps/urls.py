"""Addresses of this app."""

from django.urls import path

from apps.reps.views import reps

app_name = "reps"
urlpatterns = [path("", reps.reps, name="list")]
