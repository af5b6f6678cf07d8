"""Addresses that belong to no one app: home, search, the rail's refresh, the styleguide."""

from django.urls import path

from apps.portal import views

app_name = "portal"

urlpatterns = [
    path("", views.home, name="home"),
    path("search/", views.search, name="search"),
    path("places/", views.places, name="places"),
    path("setup/", views.setup, name="setup"),
    path("styleguide/", views.styleguide, name="styleguide"),
    path("styleguide/explained/", views.styleguide_explained, name="styleguide_explained"),
]
