"""Addresses of this app."""

from django.urls import path

from apps.reps import views

app_name = "reps"
urlpatterns = [path("", views.reps, name="list")]
