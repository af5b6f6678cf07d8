"""Acts on calendars: what is kept, refused and recorded, and whose hours hold."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from apps.audit.models import AuditEntry
from apps.leads.models import Lead
from apps.reps.models import BusinessCalendar, Rep
from apps.reps.rules.business_time import due_at, open_minutes
from apps.reps.selectors import calendar_of, company_calendar, draft_of, hours_for, hours_of, rep_of
from apps.reps.services import calendars
from apps.slas.models import Clock
from tests.cast import NOW, Cast
from tests.leads.test_touches import arrive
from tests.stage import staged

pytestmark = pytest.mark.django_db


@pytest.fixture
@staged
def office(cast: Cast) -> BusinessCalendar:
    return BusinessCalendar.objects.get()


def change(calendar: BusinessCalendar, **changes):
    return calendars.change_calendar(
        calendar=calendar,
        draft=replace(draft_of(calendar), **changes),
        read_version=calendar.version,
        at=NOW,
    )


class TestChangeCalendar:
    def test_keeps_the_draft_and_records_only_what_differs(self, cast, office):
        breaks = {"mon": [["12:00", "12:30"]]}
        calendars.change_calendar(
            calendar=office,
            draft=replace(draft_of(office), breaks=breaks, holidays=["2026-12-25"]),
            read_version=1,
            at=NOW,
            actor=cast.revops,
        )
        kept = BusinessCalendar.objects.get()
        assert (kept.breaks, kept.holidays, kept.version) == (breaks, ["2026-12-25"], 2)
        entry = AuditEntry.objects.get(verb="reps.calendar.changed")
        assert entry.actor == cast.revops
        assert set(entry.data["changed"]) == {"breaks", "holidays"}
        assert entry.data["changed"]["breaks"] == {"before": {"mon": None}, "after": breaks}
        assert [row["on"] for row in entry.data["changed"]["holidays"]["after"]] == ["2026-12-25"]

    def test_of_nothing_writes_and_records_nothing(self, office):
        change(office)
        assert BusinessCalendar.objects.get().version == 1
        assert not AuditEntry.objects.filter(verb="reps.calendar.changed").exists()

    def test_is_refused_with_every_fault_by_weekday(self, office):
        weekly = {"tue": [["09:00", "12:00"], ["11:00", "15:00"]]}
        with pytest.raises(calendars.CalendarInvalid) as refusal:
            change(office, weekly=weekly, time_zone="Nowhere")
        assert [(one.part, one.key) for one in refusal.value.faults] == [("time_zone", ""), ("weekly", "tue")]
        assert BusinessCalendar.objects.get().weekly != weekly

    def test_is_refused_after_somebody_else_was_quicker(self, office):
        change(BusinessCalendar.objects.get(), weekly={"mon": [["08:00", "12:00"]]})
        with pytest.raises(calendars.CalendarChangedMeanwhile):
            change(office, weekly={"mon": [["10:00", "12:00"]]})
        assert BusinessCalendar.objects.get().weekly == {"mon": [["08:00", "12:00"]]}
        assert AuditEntry.objects.filter(verb="reps.calendar.changed").count() == 1

    def test_refuses_the_name_of_another(self, office):
        other = calendars.create_calendar(name="Desk", at=NOW)
        with pytest.raises(calendars.CalendarInvalid, match="Another calendar has this name"):
            change(other, name=office.name)

    def test_moves_no_promise_that_runs(self, cast, office):
        lead = arrive(cast, title="Chief Executive", employees=500, industry="Logistics")
        due = Clock.objects.get(lead=lead, kind="first_response").due_at
        change(office, weekly={"sun": [["09:00", "10:00"]]})
        assert Clock.objects.get(lead=lead, kind="first_response").due_at == due
        assert Lead.objects.get(pk=lead.pk).due_at == due
        assert due_at(hours_of(BusinessCalendar.objects.get()), NOW, 30) > due


class TestCreateCalendar:
    def test_begins_with_all_that_another_has(self, office):
        change(office, breaks={"mon": [["12:00", "13:00"]]}, country="DE")
        made = calendars.create_calendar(name=" Desk ", like=office, at=NOW)
        assert draft_of(made) == replace(draft_of(office), name="Desk")

    def test_makes_the_first_one_the_companys_and_no_other(self, office):
        assert calendars.create_calendar(name="First", at=NOW).is_default
        assert not calendars.create_calendar(name="Second", at=NOW).is_default

    @pytest.mark.parametrize("name", ["", "  ", "Berlin office", "x" * 81])
    def test_refuses_a_name_that_is_none_or_taken(self, office, name):
        with pytest.raises(calendars.CalendarInvalid):
            calendars.create_calendar(name=name, at=NOW)
        assert BusinessCalendar.objects.count() == 1


class TestTheCompanysCalendar:
    def test_is_one_alone(self, office):
        other = calendars.create_calendar(name="Other", at=NOW)
        calendars.make_default(calendar=office, at=NOW)
        calendars.make_default(calendar=office, at=NOW)
        assert company_calendar() == office
        assert AuditEntry.objects.filter(verb="reps.calendar.made_default").count() == 1
        with pytest.raises(IntegrityError), transaction.atomic():
            BusinessCalendar.objects.filter(pk=other.pk).update(is_default=True)

    def test_is_not_removed_nor_is_one_in_use(self, office):
        first = calendars.create_calendar(name="First", at=NOW)
        with pytest.raises(calendars.UnableToRemoveCalendar, match="company"):
            calendars.remove_calendar(calendar=first, at=NOW)
        with pytest.raises(calendars.UnableToRemoveCalendar, match="works by"):
            calendars.remove_calendar(calendar=office, at=NOW)
        assert not AuditEntry.objects.filter(verb="reps.calendar.removed").exists()

    def test_another_one_that_nobody_uses_is(self, office):
        calendars.create_calendar(name="First", at=NOW)
        spare = calendars.create_calendar(name="Spare", at=NOW)
        calendars.remove_calendar(calendar=spare, at=NOW)
        assert not BusinessCalendar.objects.filter(name="Spare").exists()


class TestWhoseHoursHold:
    def test_a_reps_own_then_the_teams_then_the_companys(self, cast, office):
        company = calendars.create_calendar(name="Company", at=NOW)
        own = calendars.create_calendar(name="Mornings", at=NOW)
        change(own, weekly={"thu": [["09:00", "10:00"]]})
        rep = cast.rep(cast.sdr)
        assert calendar_of(rep) == office
        assert calendar_of(None) == company
        calendars.give_to_rep(calendar=own, rep=rep, at=NOW)
        rep = rep_of(cast.sdr)
        assert calendar_of(rep) == own
        day = datetime(2026, 11, 12, tzinfo=UTC)
        assert open_minutes(hours_for(rep), day, day + timedelta(days=1)) == 60
        calendars.give_to_rep(calendar=None, rep=rep, at=NOW)
        assert calendar_of(rep_of(cast.sdr)) == office

    def test_are_read_with_the_rep(self, cast, office, django_assert_num_queries):
        with django_assert_num_queries(1):
            hours_for(rep_of(cast.sdr))

    def test_giving_twice_records_once(self, cast, office):
        own = calendars.create_calendar(name="Desk", at=NOW)
        for _ in range(2):
            calendars.give_to_team(calendar=own, team=cast.sdr_team, at=NOW)
            calendars.give_to_rep(calendar=own, rep=cast.rep(cast.ae), at=NOW)
        verbs = list(AuditEntry.objects.values_list("verb", flat=True))
        assert verbs.count("reps.team.calendar_changed") == verbs.count("reps.rep.calendar_changed") == 1
        assert Rep.objects.get(user=cast.ae).calendar == own

    def test_each_sees_the_one_that_applies_and_a_manager_those_of_the_teams(self, cast, office):
        company, own, desk = (
            calendars.create_calendar(name=name, at=NOW) for name in ("Company", "Own", "Desk")
        )
        calendars.give_to_rep(calendar=own, rep=cast.rep(cast.teammate), at=NOW)
        calendars.give_to_team(calendar=desk, team=cast.other_team, at=NOW)
        seen = {
            part: {one.name for one in BusinessCalendar.objects.visible_to(getattr(cast, part))}
            for part in ("sdr", "teammate", "manager", "outsider", "outside_manager", "finance", "revops")
        }
        assert seen == {
            "sdr": {office.name},
            "teammate": {"Own"},
            "manager": {office.name, "Own"},
            "outsider": {"Desk"},
            "outside_manager": {"Desk"},
            "finance": {company.name},
            "revops": {office.name, "Company", "Own", "Desk"},
        }
