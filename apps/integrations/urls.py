"""Addresses of this app."""

from django.urls import path

from apps.integrations.views import capture, capture_forms, imports, mappings, readings, webhooks

app_name = "integrations"
urlpatterns = [
    path("imports/", imports.import_list, name="imports"),
    path("imports/upload/", imports.upload, name="upload"),
    path("imports/<int:pk>/", imports.import_detail, name="import"),
    path("imports/<int:pk>/live/", imports.import_live, name="import_live"),
    path("imports/<int:pk>/reading/", readings.reading, name="import_reading"),
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
    path("webhooks/", webhooks.webhook_list, name="webhooks"),
    path("webhooks/new/", webhooks.webhook_new, name="webhook_new"),
    path("webhooks/<int:pk>/", webhooks.webhook_detail, name="webhook"),
    path("webhooks/<int:pk>/edit/", webhooks.webhook_edit, name="webhook_edit"),
    path("webhooks/<int:pk>/rotate/", webhooks.webhook_rotate, name="webhook_rotate"),
    path("webhooks/<int:pk>/test/", webhooks.webhook_test, name="webhook_test"),
    path("webhooks/<int:pk>/send-again/", webhooks.webhook_send_all, name="webhook_send_all"),
    path("webhooks/messages/<int:pk>/", webhooks.webhook_message, name="webhook_message"),
    path("webhooks/messages/<int:pk>/send-again/", webhooks.webhook_send_again, name="webhook_send_again"),
    path("forms/", capture_forms.form_list, name="capture_forms"),
    path("forms/new/", capture_forms.form_new, name="capture_form_new"),
    path("forms/<int:pk>/", capture_forms.form_detail, name="capture_form"),
    path("forms/<int:pk>/edit/", capture_forms.form_edit, name="capture_form_edit"),
    path("capture/<str:key>/", capture.fill_in, name="capture"),
    path("capture/<str:key>/done/", capture.done, name="capture_done"),
]
