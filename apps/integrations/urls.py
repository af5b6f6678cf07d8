"""Addresses of this app."""

from django.urls import path

from apps.integrations.views import imports, mappings

app_name = "integrations"
urlpatterns = [
    path("imports/", imports.import_list, name="imports"),
    path("imports/upload/", imports.upload, name="upload"),
    path("imports/<int:pk>/", imports.import_detail, name="import"),
    path("imports/<int:pk>/live/", imports.import_live, name="import_live"),
    path("imports/<int:pk>/check/", imports.check, name="import_check"),
    path("imports/<int:pk>/commit/", imports.commit, name="import_commit"),
    path("imports/<int:pk>/rows/", imports.import_rows, name="import_rows"),
    path("imports/<int:pk>/messages/", imports.import_messages, name="import_messages"),
    path("imports/<int:pk>/refused/<int:position>/", imports.refused_rows, name="import_refused"),
    path("imports/mappings/", mappings.mapping_list, name="mappings"),
    path("imports/mappings/upload/", mappings.mapping_upload, name="mapping_upload"),
    path("imports/mappings/new/", mappings.mapping_new, name="mapping_new"),
    path("imports/mappings/<str:key>/", mappings.mapping_detail, name="mapping"),
    path("imports/mappings/<str:key>/edit/", mappings.mapping_edit, name="mapping_edit"),
    path("imports/mappings/<str:key>/file/", mappings.mapping_file, name="mapping_file"),
]
