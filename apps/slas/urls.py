"""Addresses of this app."""

from django.urls import path

from apps.slas import views

app_name = "slas"
urlpatterns = [path("", views.board, name="board")]
