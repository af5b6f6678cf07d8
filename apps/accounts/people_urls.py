"""People for RevOps and the own profile, apart from ``urls``: the names there are allauth's own."""

from django.urls import path

from apps.accounts.views import notifications, people

app_name = "accounts"
urlpatterns = [
    path("", people.people, name="people"),
    path("me/", people.profile, name="profile"),
    path("me/notifications/", notifications.listing, name="notifications"),
    path("me/notifications/read/", notifications.read_all, name="notifications_read"),
    path("me/notifications/choices/", notifications.preferences, name="notification_preferences"),
    path("me/notifications/<int:pk>/open/", notifications.open_one, name="notification_open"),
    path("me/notifications/<int:pk>/read/", notifications.read_one, name="notification_read"),
    path("new/", people.create, name="person_new"),
    path("<int:pk>/", people.person, name="person"),
    path("<int:pk>/role/", people.change_role, name="person_role"),
    path("<int:pk>/deactivate/", people.deactivate, name="person_deactivate"),
    path("<int:pk>/reactivate/", people.reactivate, name="person_reactivate"),
    path("<int:pk>/link/", people.send_link, name="person_link"),
]
