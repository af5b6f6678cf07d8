"""Addresses of this app."""

from django.urls import path

from apps.reps.views import calendar_edit, calendars, reps

app_name = "reps"
urlpatterns = [
    path("", reps.reps, name="list"),
    path("calendars/", calendars.calendars, name="calendars"),
    path("calendars/new/", calendars.calendar_new, name="calendar_new"),
    path("calendars/<int:pk>/", calendars.calendar, name="calendar"),
    path("calendars/<int:pk>/hours/", calendar_edit.calendar_edit, name="calendar_edit"),
    path("calendars/<int:pk>/holidays/", calendar_edit.calendar_holidays, name="calendar_holidays"),
    path("calendars/<int:pk>/days/", calendar_edit.calendar_days, name="calendar_days"),
    path("calendars/<int:pk>/give/", calendars.calendar_give, name="calendar_give"),
    path("calendars/<int:pk>/default/", calendars.calendar_default, name="calendar_default"),
    path("calendars/<int:pk>/remove/", calendars.calendar_remove, name="calendar_remove"),
]
