"""People for RevOps, and the own profile. Sign-in itself is allauth's (``urls``)."""

from typing import Any

from allauth.account.forms import ResetPasswordForm
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts import selectors
from apps.accounts.forms import PersonForm, ProfileForm, RoleForm
from apps.accounts.models import Role, User
from apps.accounts.policies import MANAGE_PEOPLE, SEE_PEOPLE
from apps.accounts.services import people as services
from apps.core.errors import DomainError
from apps.core.policies import SIGNED_IN, guarded, visible_or_404


@require_safe
@guarded(SEE_PEOPLE)
def people(request: HttpRequest) -> HttpResponse:
    """Everybody who may sign in; ``?state=left`` those who no longer may."""
    role = request.GET.get("role", "")
    asked = {
        "text": request.GET.get("q", "")[:80].strip(),
        "role": role if role in Role.values else "",
        "state": "left" if request.GET.get("state") == "left" else "",
    }
    page = selectors.people(**asked, after=request.GET.get("after", ""))
    return render(request, "accounts/people.html", {"page": page, "roles": Role.choices, **asked})


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(MANAGE_PEOPLE)
def create(request: HttpRequest) -> HttpResponse:
    """A new person, with a first password or a mail to set one."""
    form = PersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        read = form.cleaned_data
        try:
            person = services.create_person(
                name=read["name"],
                email=read["email"],
                role=Role(read["role"]),
                time_zone=read["time_zone"],
                password=read["password"],
                at=timezone.now(),
                actor=request.user,
            )
        except DomainError as error:
            form.add_error(error.field or None, error.message)
        else:
            if not read["password"]:
                _mail_link(request, person)
            messages.success(request, f"{person.name} may sign in now.")
            return redirect("accounts:person", person.pk)
    status = 422 if form.errors else 200
    return render(request, "accounts/person_new.html", {"form": form}, status=status)


@require_safe
@guarded(SEE_PEOPLE)
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """One person: role, state, and the acts on them."""
    return _show(request, _found(pk))


@require_POST
@guarded(MANAGE_PEOPLE)
def change_role(request: HttpRequest, pk: int) -> HttpResponse:
    """Another role, from the person's next request on."""
    found = _found(pk)
    form = RoleForm(request.POST)
    if not form.is_valid():
        return _show(request, found, status=422, form=form)
    try:
        changed = services.change_role(
            person=found, role=Role(form.cleaned_data["role"]), at=timezone.now(), actor=request.user
        )
    except DomainError as error:
        form.add_error("role", error.message)
        return _show(request, found, status=error.status, form=form)
    messages.success(request, f"{changed.name} is {changed.get_role_display()} from the next click on.")
    return redirect("accounts:person", found.pk)


@require_POST
@guarded(MANAGE_PEOPLE)
def deactivate(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign-in refused, sessions ended."""
    gone = services.deactivate(person=_found(pk), at=timezone.now(), actor=request.user)
    messages.success(request, f"{gone.name} can no longer sign in; open sessions end with the next click.")
    return redirect("accounts:person", gone.pk)


@require_POST
@guarded(MANAGE_PEOPLE)
def reactivate(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign-in allowed again."""
    back = services.reactivate(person=_found(pk), at=timezone.now(), actor=request.user)
    messages.success(request, f"{back.name} may sign in again.")
    return redirect("accounts:person", back.pk)


@require_POST
@guarded(MANAGE_PEOPLE)
def send_link(request: HttpRequest, pk: int) -> HttpResponse:
    """A mail with which the person sets a new password."""
    found = _found(pk)
    _mail_link(request, found)
    messages.success(request, f"A mail to set a password is on its way to {found.name}.")
    return redirect("accounts:person", found.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(SIGNED_IN)
def profile(request: HttpRequest) -> HttpResponse:
    """One's own time zone."""
    user: Any = request.user
    form = ProfileForm(request.POST) if request.method == "POST" else ProfileForm.of(user)
    if request.method == "POST" and form.is_valid():
        services.change_own_zone(person=user, time_zone=form.cleaned_data["time_zone"], at=timezone.now())
        messages.success(request, "Times are shown in your zone now.")
        return redirect("accounts:profile")
    return render(request, "accounts/profile.html", {"form": form}, status=422 if form.errors else 200)


def _found(pk: int) -> User:
    return visible_or_404(User.objects.all(), pk=pk)


def _show(
    request: HttpRequest, found: User, *, status: int = 200, form: RoleForm | None = None
) -> HttpResponse:
    context = {
        "person": found,
        "form": form or RoleForm(initial={"role": found.role}),
        "is_self": found.pk == request.user.pk,
    }
    return render(request, "accounts/person.html", context, status=status)


def _mail_link(request: HttpRequest, person: User) -> None:
    form = ResetPasswordForm({"email": person.email})
    if form.is_valid():
        form.save(request)
