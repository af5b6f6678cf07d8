"""Addresses of this app."""

from django.urls import path

from apps.audit import views

app_name = "audit"
urlpatterns = [
    path("", views.log, name="log"),
    path("entries/<int:pk>/", views.entry, name="entry"),
    path("export/", views.export, name="export"),
    path("exports/<int:pk>/", views.export_again, name="export_again"),
    path("records/", views.chain, name="chain"),
    path("records/verify/", views.verify, name="verify"),
    path("records/anchor/", views.anchor, name="anchor"),
]
