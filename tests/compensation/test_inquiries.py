"""Inquiries: asking, the thread, files, the clock, outcomes, and what either side may do."""

from pathlib import Path

import pytest
from django.conf import settings
from django.db import DatabaseError, IntegrityError, transaction

from apps.accounts.models import Notification, Role, User
from apps.audit.models import AuditEntry
from apps.compensation.models import (
    Inquiry,
    InquiryAct,
    InquiryAttachment,
    InquiryMessage,
    InquirySeen,
    PayoutRun,
    RunState,
    Statement,
)
from apps.compensation.rules.attachments import MOST_IN_ALL, Checked, checked
from apps.compensation.rules.inquiry_clock import Targets
from apps.compensation.services import (
    inquiries,
    inquiry_files,
    inquiry_outcomes,
    inquiry_owners,
    inquiry_sweep,
    inquiry_terms,
    inquiry_thread,
)
from apps.compensation.services.inquiry_rows import UnableToAsk, UnableToHandle
from apps.compensation.services.inquiry_terms import Terms
from apps.core.errors import InvalidInput
from apps.reps.models import BusinessCalendar
from tests.compensation.conftest import FEBRUARY, Payroll, noon
from tests.compensation.inquiry_scenes import Scene, monday, set_terms, settled

pytestmark = pytest.mark.django_db

NOTE = Checked("note.txt", checked("note.txt", b"Met on the 3rd.").kind, b"Met on the 3rd.")


@pytest.fixture
def scene(payroll: Payroll) -> Scene:
    BusinessCalendar.objects.update(
        weekly={day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}, is_default=False
    )
    return settled(payroll)


def colleague(role: Role = Role.REVOPS, name: str = "Second") -> User:
    return User.objects.create_user(f"{name.lower()}@larkfield.example", None, name=name, role=role)


def acts(inquiry: Inquiry) -> list[str]:
    return list(inquiry.acts.order_by("pk").values_list("kind", flat=True))


class TestAsking:
    def test_about_a_line_names_an_owner_and_starts_the_clock(self, scene: Scene):
        set_terms()
        inquiry = scene.ask_line(at=monday(8))
        assert (inquiry.about, inquiry.state, inquiry.owner) == ("line", "open", scene.cast.revops)
        assert inquiry.first_due_at == monday(12)
        assert inquiry.due_at == noon(10, 2).replace(hour=16)
        assert inquiry.next_step_at == monday(10)
        assert acts(inquiry) == ["asked"]

    def test_about_something_missing_says_what_was_expected(self, scene: Scene):
        inquiry = scene.ask(expected="Corvane Systems", expected_minor=120_00)
        assert (inquiry.about, inquiry.expected, inquiry.expected_minor) == (
            "missing",
            "Corvane Systems",
            120_00,
        )
        assert scene.ask().about == "statement"

    def test_is_for_who_is_paid(self, scene: Scene):
        for who in ("manager", "second_ae", "revops"):
            with pytest.raises(UnableToAsk, match="Only who is paid"):
                inquiries.ask(
                    question=inquiries.Question(scene.statement, "Why?"),
                    at=monday(9),
                    actor=getattr(scene.cast, who),
                )

    def test_waits_until_the_figures_stand(self, scene: Scene):
        scene.payroll.won(scene.rep, noon(10, 2), 500_00)
        february = scene.payroll.compute(FEBRUARY)
        assert PayoutRun.objects.get(pk=february.pk).state == RunState.COMPUTED
        scene.statement = Statement.objects.get(run=february)
        with pytest.raises(UnableToAsk, match="may still move"):
            scene.ask()

    def test_about_one_line_is_done_once_at_a_time(self, scene: Scene):
        first = scene.ask_line()
        with pytest.raises(UnableToAsk, match=f"inquiry {first.pk}"):
            scene.ask_line()
        inquiry_outcomes.explain(inquiry=first, text="It is right.", at=monday(10), actor=scene.cast.revops)
        assert scene.ask_line(at=monday(11)).pk != first.pk

    def test_with_the_same_key_asks_once(self, scene: Scene):
        assert scene.ask(source_key="page:1:a").pk == scene.ask(source_key="page:1:a").pk
        assert Inquiry.objects.count() == 1

    @pytest.mark.parametrize(
        ("given", "field"),
        [({"text": "  "}, "text"), ({"text": "x" * 4_001}, "text"), ({"expected_minor": 5}, "expected")],
    )
    def test_names_what_is_wrong(self, scene: Scene, given, field):
        with pytest.raises(InvalidInput) as told:
            scene.ask(**given)
        assert told.value.field == field

    def test_is_on_record_without_what_was_written(self, scene: Scene):
        scene.ask_line()
        entries = AuditEntry.objects.filter(verb__startswith="compensation.inquiry")
        assert {one.verb for one in entries} == {"compensation.inquiry.asked", "compensation.inquiry.said"}
        assert not any("expected" in str(one.data) for one in entries)

    def test_a_later_change_of_terms_and_hours_moves_nothing(self, scene: Scene):
        inquiry = scene.ask_line(at=monday(8))
        due_at = inquiry.due_at
        inquiry_terms.set_terms(terms=Terms(Targets(1, 2, 50, 1)), at=monday(9), actor=scene.cast.revops)
        BusinessCalendar.objects.update(weekly={})
        inquiry_thread.ask_back(inquiry=inquiry, text="Which?", at=monday(9), actor=scene.cast.revops)
        inquiry_thread.reply(inquiry=inquiry, text="That one.", at=monday(10), actor=scene.asker)
        inquiry.refresh_from_db()
        assert inquiry.due_at > due_at
        assert inquiry.outcome_minutes == Targets().outcome_minutes


class TestOwner:
    def test_is_the_one_with_the_fewest_and_never_whom_it_concerns(self, scene: Scene):
        other = colleague()
        assert scene.ask_line().owner == scene.cast.revops
        assert scene.ask().owner == other
        User.objects.filter(pk__in=(other.pk, scene.cast.revops.pk)).update(is_active=False)
        assert scene.ask(text="A third.").owner == scene.cast.finance

    def test_follows_the_rota(self, scene: Scene):
        other = colleague(Role.FINANCE)
        set_terms(rota=[other.pk])
        assert scene.ask_line().owner == other

    def test_is_told_by_the_database_not_to_be_the_payee(self, scene: Scene):
        inquiry = scene.ask_line()
        with pytest.raises(DatabaseError), transaction.atomic():
            Inquiry.objects.filter(pk=inquiry.pk).update(owner=scene.asker)

    def test_is_changed_with_a_reason_and_told(self, scene: Scene):
        inquiry, other = scene.ask_line(), colleague()
        with pytest.raises(InvalidInput):
            inquiry_owners.reassign(
                inquiry=inquiry, owner=other, reason="", at=monday(10), actor=scene.cast.finance
            )
        with pytest.raises(InvalidInput, match="RevOps or finance"):
            inquiry_owners.reassign(
                inquiry=inquiry, owner=scene.cast.manager, reason="x", at=monday(10), actor=scene.cast.finance
            )
        with pytest.raises(UnableToHandle, match="own pay"):
            inquiry_owners.reassign(
                inquiry=inquiry, owner=scene.asker, reason="x", at=monday(10), actor=scene.cast.finance
            )
        due_at = inquiry.due_at
        given = inquiry_owners.reassign(
            inquiry=inquiry, owner=other, reason="Knows the plan.", at=monday(10), actor=scene.cast.finance
        )
        assert (given.owner, given.due_at) == (other, due_at)
        assert Notification.objects.filter(user=other, kind="inquiry_to_answer").exists()
        assert "Knows the plan." in inquiry.acts.get(kind="assigned").words


class TestThread:
    def test_is_in_order_and_is_not_changed(self, scene: Scene):
        inquiry = scene.ask_line()
        inquiry_thread.reply(inquiry=inquiry, text="I look at it.", at=monday(10), actor=scene.cast.revops)
        inquiry_thread.reply(inquiry=inquiry, text="Thank you.", at=monday(11), actor=scene.asker)
        assert [one.number for one in inquiry.messages.all()] == [1, 2, 3]
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            InquiryMessage.objects.update(text="other")
        with pytest.raises(IntegrityError), transaction.atomic():
            InquiryMessage.objects.create(
                inquiry=inquiry, number=3, kind="reply", by=scene.asker, at=monday(12), text="x"
            )

    def test_a_first_reply_of_the_owner_answers_first(self, scene: Scene):
        inquiry = scene.ask_line()
        inquiry_thread.reply(inquiry=inquiry, text="One more thing.", at=monday(10), actor=scene.asker)
        inquiry.refresh_from_db()
        assert inquiry.first_answered_at is None
        inquiry_thread.reply(inquiry=inquiry, text="I look.", at=monday(11), actor=scene.cast.finance)
        inquiry.refresh_from_db()
        assert inquiry.first_answered_at == monday(11)
        assert inquiry.next_due_at == inquiry.due_at

    def test_asking_back_stands_still_until_the_asker_replies(self, scene: Scene):
        set_terms()
        inquiry = scene.ask_line(at=monday(8))
        inquiry_thread.ask_back(inquiry=inquiry, text="Which deal?", at=monday(10), actor=scene.cast.revops)
        inquiry.refresh_from_db()
        assert (inquiry.state, inquiry.paused_at, inquiry.next_step_at) == ("waiting", monday(10), None)
        assert inquiry_sweep.sweep(at=noon(27, 2)) == 0
        inquiry_thread.reply(inquiry=inquiry, text="Corvane.", at=monday(12), actor=scene.asker)
        inquiry.refresh_from_db()
        assert (inquiry.state, inquiry.paused_at) == ("open", None)
        # Two hours stood still: due at 10:00 UTC, two hours later than it was.
        assert inquiry.due_at == noon(11, 2).replace(hour=10)
        assert acts(inquiry) == ["asked", "waited", "resumed"]

    def test_says_with_the_same_key_once(self, scene: Scene):
        inquiry = scene.ask_line()
        for _ in range(2):
            inquiry_thread.reply(
                inquiry=inquiry, text="Hello.", at=monday(10), actor=scene.asker, source_key="page:1:b"
            )
        assert inquiry.messages.count() == 2

    def test_knows_up_to_where_somebody_read(self, scene: Scene):
        inquiry = scene.ask_line()
        inquiry_thread.reply(inquiry=inquiry, text="I look.", at=monday(10), actor=scene.cast.revops)
        inquiry.refresh_from_db()
        inquiry_thread.mark_seen(inquiry=inquiry, user=scene.asker, number=99, at=monday(11))
        inquiry_thread.mark_seen(inquiry=inquiry, user=scene.asker, number=1, at=monday(12))
        assert InquirySeen.objects.get(user=scene.asker).number == 2

    def test_tells_the_other_side(self, scene: Scene):
        inquiry = scene.ask_line()
        inquiry_thread.reply(inquiry=inquiry, text="I look.", at=monday(10), actor=scene.cast.revops)
        told = Notification.objects.filter(user=scene.asker, kind="inquiry").get()
        assert (told.title, told.url) == (
            f"Inquiry {inquiry.pk}: somebody replied",
            f"/pay/inquiries/{inquiry.pk}/",
        )

    def test_is_closed_once_it_is_settled(self, scene: Scene):
        inquiry = scene.ask_line()
        inquiry_outcomes.explain(inquiry=inquiry, text="It is right.", at=monday(10), actor=scene.cast.revops)
        with pytest.raises(UnableToHandle, match="settled"):
            inquiry_thread.reply(inquiry=inquiry, text="But", at=monday(11), actor=scene.asker)


class TestFiles:
    @pytest.fixture(autouse=True)
    def private(self, tmp_path: Path, settings):
        settings.PRIVATE_FILES_DIR = tmp_path
        return tmp_path

    def test_are_kept_under_a_name_that_says_nothing(self, scene: Scene):
        inquiry = scene.ask_line(files=[NOTE])
        kept = InquiryAttachment.objects.get(message__inquiry=inquiry)
        path = inquiry_files.stored_file(kept)
        assert path.read_bytes() == NOTE.content
        assert path.parent == Path(settings.PRIVATE_FILES_DIR) / "inquiries" / str(inquiry.pk)
        assert "note" not in path.name
        assert path.stat().st_mode & 0o077 == 0

    def test_leave_nothing_behind_when_the_message_fails(self, scene: Scene, monkeypatch):
        inquiry = scene.ask_line()

        def fail(**_):
            raise RuntimeError("gone")

        monkeypatch.setattr(inquiry_thread.audit, "record", fail)
        with pytest.raises(RuntimeError):
            inquiry_thread.reply(inquiry=inquiry, text="See.", files=[NOTE], at=monday(10), actor=scene.asker)
        assert [one for one in Path(settings.PRIVATE_FILES_DIR).rglob("*") if one.is_file()] == []

    def test_are_bounded_by_message_and_in_all(self, scene: Scene):
        inquiry = scene.ask_line()
        with pytest.raises(InvalidInput, match="5 files at most"):
            inquiry_thread.reply(
                inquiry=inquiry, text="See.", files=[NOTE] * 6, at=monday(10), actor=scene.asker
            )
        message = inquiry.messages.get()
        InquiryAttachment.objects.bulk_create(
            InquiryAttachment(
                message=message,
                name="a.pdf",
                ending="pdf",
                size=MOST_IN_ALL // 10,
                sha256="0",
                path=f"{number}",
            )
            for number in range(10)
        )
        with pytest.raises(InvalidInput, match="50 MB at most"):
            inquiry_thread.reply(inquiry=inquiry, text="See.", files=[NOTE], at=monday(10), actor=scene.asker)


class TestOutcome:
    def test_explained_is_told_and_may_be_accepted(self, scene: Scene):
        inquiry = scene.ask_line()
        inquiry_outcomes.explain(inquiry=inquiry, text="It is right.", at=monday(10), actor=scene.cast.revops)
        inquiry.refresh_from_db()
        assert (inquiry.state, inquiry.outcome, inquiry.settled_by) == (
            "answered",
            "explained",
            scene.cast.revops,
        )
        inquiries.accept(inquiry=inquiry, at=monday(11), actor=scene.asker)
        inquiries.accept(inquiry=inquiry, at=monday(11), actor=scene.asker)
        inquiry.refresh_from_db()
        assert (inquiry.state, inquiry.next_step_at) == ("closed", None)
        assert acts(inquiry).count("closed") == 1

    @pytest.mark.parametrize(
        "link", ["", "https://evil.example/x", "javascript:alert(1)", "//evil.example/", "/nowhere/"]
    )
    def test_corrected_links_to_a_page_of_the_portal(self, scene: Scene, link):
        inquiry = scene.ask_line()
        with pytest.raises(InvalidInput) as told:
            inquiry_outcomes.say_corrected(
                inquiry=inquiry, text="Done.", link=link, at=monday(10), actor=scene.cast.revops
            )
        assert told.value.field == "link"

    def test_corrected_keeps_the_path_alone(self, scene: Scene):
        inquiry = scene.ask_line()
        inquiry_outcomes.say_corrected(
            inquiry=inquiry, text="Done.", link="https://portal.example/pay/credits/?waiting=1", at=monday(10),
            actor=scene.cast.revops,
        )  # fmt: skip
        inquiry.refresh_from_db()
        assert inquiry.corrected_link == "/pay/credits/?waiting=1"

    def test_is_given_by_nobody_whom_it_concerns(self, scene: Scene):
        inquiry = scene.ask_line()
        with pytest.raises(UnableToHandle, match="own pay"):
            inquiry_outcomes.decline(inquiry=inquiry, text="No.", at=monday(10), actor=scene.asker)

    def test_waits_for_a_change_that_waits(self, scene: Scene):
        inquiry = scene.ask_line()
        scene.propose(inquiry)
        with pytest.raises(UnableToHandle, match="waits"):
            inquiry_outcomes.decline(inquiry=inquiry, text="No.", at=monday(12), actor=scene.cast.revops)
        with pytest.raises(UnableToHandle, match="waits"):
            inquiries.withdraw(inquiry=inquiry, at=monday(12), actor=scene.asker)


class TestOpeningAgain:
    def test_begins_another_round_with_a_new_clock(self, scene: Scene):
        inquiry = scene.ask_line()
        inquiry_outcomes.decline(inquiry=inquiry, text="No.", at=monday(10), actor=scene.cast.revops)
        with pytest.raises(UnableToHandle, match="Only who asked"):
            inquiries.reopen(inquiry=inquiry, reason="x", at=monday(11), actor=scene.cast.revops)
        with pytest.raises(InvalidInput):
            inquiries.reopen(inquiry=inquiry, reason=" ", at=monday(11), actor=scene.asker)
        inquiries.reopen(inquiry=inquiry, reason="It is in the plan.", at=noon(12, 2), actor=scene.asker)
        inquiry.refresh_from_db()
        assert (inquiry.state, inquiry.round, inquiry.outcome) == ("open", 2, "")
        assert inquiry.started_at == noon(12, 2)
        assert inquiry.first_answered_at is None

    def test_ends_with_its_window(self, scene: Scene):
        inquiry = scene.ask_line()
        inquiry_outcomes.decline(inquiry=inquiry, text="No.", at=monday(10), actor=scene.cast.revops)
        with pytest.raises(UnableToHandle, match="over"):
            inquiries.reopen(inquiry=inquiry, reason="x", at=noon(25, 2), actor=scene.asker)

    def test_is_not_for_what_was_withdrawn(self, scene: Scene):
        inquiry = scene.ask_line()
        inquiries.withdraw(inquiry=inquiry, at=monday(10), actor=scene.asker)
        with pytest.raises(UnableToHandle):
            inquiries.reopen(inquiry=inquiry, reason="x", at=monday(11), actor=scene.asker)
        with pytest.raises(DatabaseError, match="does not follow"), transaction.atomic():
            Inquiry.objects.update(state="open")


class TestSweep:
    def test_reminds_and_tells_the_finance_lead_each_once(self, scene: Scene):
        lead = colleague(Role.FINANCE, "Lead")
        set_terms(lead=lead)
        inquiry = scene.ask_line(at=monday(8))
        assert inquiry_sweep.sweep(at=monday(9)) == 0
        assert inquiry_sweep.sweep(at=monday(10)) == 1
        assert inquiry_sweep.sweep(at=monday(10)) == 0
        assert inquiry_sweep.sweep(at=noon(20, 2)) == 3
        assert inquiry_sweep.sweep(at=noon(21, 2)) == 0
        assert acts(inquiry) == ["asked", "remind_first", "escalate_first", "remind", "escalate"]
        assert Notification.objects.filter(user=lead, kind="inquiry_late").count() == 2
        assert Notification.objects.filter(user=scene.cast.finance, kind="inquiry_late").count() == 0

    def test_spares_what_was_answered_first(self, scene: Scene):
        set_terms()
        inquiry = scene.ask_line(at=monday(8))
        inquiry_thread.reply(inquiry=inquiry, text="I look.", at=monday(9), actor=scene.cast.revops)
        inquiry_sweep.sweep(at=noon(20, 2))
        assert acts(inquiry) == ["asked", "remind", "escalate"]

    def test_closes_what_nobody_opened_again(self, scene: Scene):
        inquiry = scene.ask_line()
        inquiry_outcomes.explain(inquiry=inquiry, text="Right.", at=monday(10), actor=scene.cast.revops)
        assert inquiry_sweep.sweep(at=noon(20, 2)) == 0
        assert inquiry_sweep.sweep(at=noon(24, 2)) == 1
        inquiry.refresh_from_db()
        assert inquiry.state == "closed"
        assert InquiryAct.objects.get(kind="closed").by is None


class TestTerms:
    @pytest.mark.parametrize(
        ("terms", "field"),
        [
            (Terms(Targets(0, 10)), "first_answer_minutes"),
            (Terms(Targets(20, 10)), "outcome_minutes"),
            (Terms(Targets(warn_percent=0)), "warn_percent"),
            (Terms(Targets(reopen_days=-1)), "reopen_days"),
            (Terms(answered_by="sales"), "answered_by"),
            (Terms(rota=(0,)), "rota"),
            (Terms(lead_id=0), "lead"),
        ],
    )
    def test_name_what_is_wrong(self, cast, terms, field):
        with pytest.raises(InvalidInput) as told:
            inquiry_terms.set_terms(terms=terms, at=monday(9), actor=cast.revops)
        assert told.value.field == field
