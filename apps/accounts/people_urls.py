"""People for RevOps and the own profile, apart from ``urls``: the names there are allauth's own."""

from django.urls import path

from apps.accounts import views

app_name = "accounts"
urlpatterns = [
    path("", views.people, name="people"),
    path("me/", views.profile, name="profile"),
    path("new/", views.create, name="person_new"),
    path("<int:pk>/", views.person, name="person"),
    path("<int:pk>/role/", views.change_role, name="person_role"),
    path("<int:pk>/deactivate/", views.deactivate, name="person_deactivate"),
    path("<int:pk>/reactivate/", views.reactivate, name="person_reactivate"),
    path("<int:pk>/link/", views.send_link, name="person_link"),
]
