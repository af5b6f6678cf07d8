"""Every service that changes something leaves an entry, or a funnel event, or says here why it does not.

The source is read: whoever writes rows must reach, by whatever functions it calls, one that records.
"""

import ast
from collections import defaultdict
from pathlib import Path

APPS = Path(__file__).resolve().parents[2] / "apps"
WRITES = {
    "create", "bulk_create", "update", "bulk_update", "save", "delete", "get_or_create", "update_or_create",
    "insert_rows", "update_rows",
}  # fmt: skip
RECORDS = {"record", "record_many", "record_event", "record_events", "record_act"}

EXEMPT: dict[str, str] = {
    **dict.fromkeys(
        (
            "accounts.services.notification_mail.send_due",
            "accounts.services.notifications.mark_all_read",
            "accounts.services.notifications.mark_read",
            "accounts.services.notifications.notify",
            "compensation.services.acknowledgements.remind",
            "compensation.services.acknowledgements.remind_by_itself",
            "compensation.services.inquiry_news.tell_by_asker",
            "compensation.services.inquiry_news.tell_decided",
            "compensation.services.inquiry_news.tell_late",
            "compensation.services.inquiry_news.tell_message",
            "compensation.services.inquiry_news.tell_owner",
            "compensation.services.inquiry_news.tell_proposed",
            "compensation.services.inquiry_news.tell_settled",
            "compensation.services.inquiry_news.tell_soon_due",
            "compensation.services.inquiry_thread.mark_seen",
            "compensation.services.plan_news.tell_approved",
            "compensation.services.plan_news.tell_sent_back",
            "compensation.services.plan_news.tell_submitted",
            "compensation.services.plan_news.tell_to_sign",
            "compensation.services.split_news.tell_decided",
            "compensation.services.split_news.tell_proposed",
            "leads.services.answer_news.tell_answered",
            "leads.services.answer_news.tell_closed",
            "leads.services.answer_news.tell_opened",
            "leads.services.answer_news.tell_overdue",
            "leads.services.answer_news.tell_soon_due",
            "leads.services.answer_news.tell_taken_back",
            "leads.services.judges.remind_judges",
            "leads.services.meeting_news.tell_of_cancellation",
            "leads.services.meeting_news.tell_of_correction",
            "leads.services.meeting_news.tell_of_new_time",
            "leads.services.meeting_news.tell_of_no_show",
            "reps.services.feed_news.tell_failing",
            "reps.services.feed_news.tell_read_again",
            "scorecards.services.card_notices.tell_closed",
            "scorecards.services.card_notices.tell_other",
            "scorecards.services.ranking_notices.tell_hold",
            "scorecards.services.review_notices.tell_action",
            "scorecards.services.review_notices.tell_answer",
            "scorecards.services.review_notices.ask",
            "scorecards.services.review_notices.tell_complaint",
            "scorecards.services.review_notices.tell_made",
            "scorecards.services.training_due.sweep",
        ),
        "What somebody was told: the row of the notification itself says whom, what and when.",
    ),
    **dict.fromkeys(
        (
            "integrations.services.webhook_sending.forget_delivered",
            "integrations.services.webhook_outbox.write_messages",
            "integrations.services.webhook_sending.send_due",
        ),
        "Each message and each attempt to send it is a row of its own; what was taken is forgotten after its time.",
    ),
    "scorecards.services.training_due.refresh": "Worked out from certifications and results, which are recorded.",
    **dict.fromkeys(
        (
            "audit.services.entries.record",
            "audit.services.entries.record_many",
            "audit.services.sealing.seal_records",
        ),
        "It is the record itself, or its seal.",
    ),
    **dict.fromkeys(
        (
            "leads.services.holds.keep_hold",
            "leads.services.holds.let_go_of_others",
            "leads.services.holds.release_holds",
            "leads.services.holds.sweep_holds",
            "leads.services.holds.use_hold",
            "leads.services.queue.claim_next",
            "leads.services.queue.keep",
            "leads.services.queue.release",
            "leads.services.slots.take",
        ),
        "A hold of minutes that lapses by itself; what it was held for is recorded.",
    ),
    **dict.fromkeys(
        (
            "leads.services.duplicates.settle_pair",
            "leads.services.enrolments.remove_open",
            "leads.services.invitations.cancel",
            "leads.services.invitations.invite",
            "leads.services.invitations.uninvite",
            "reps.services.busy_calendars.keep",
            "slas.services.clocks.hand_over",
            "slas.services.standing_still.stand_still",
        ),
        "A part of a verb that records: it is called by that alone.",
    ),
    **dict.fromkeys(
        (
            "leads.services.duplicates.keep_pairs",
            "leads.services.routing_replay.replay",
            "reps.services.feeds.claim",
            "reps.services.feeds.failed",
        ),
        "Found by the machine and made again at any time; who settles it is recorded.",
    ),
    **dict.fromkeys(
        (
            "jobs.services.claim_slot",
            "leads.services.answered_requests.begin",
            "leads.services.answered_requests.forget_old_requests",
        ),
        "What makes a repeated request or round harmless; it says nothing of the business.",
    ),
    **dict.fromkeys(
        (
            "jobs.services.request_cancel",
            "jobs.services.resume",
        ),
        "The door to it tells (jobs stand below the log), with who did it.",
    ),
    **dict.fromkeys(
        ("leads.services.meetings.comment",),
        "The row is append-only and says who, when and what.",
    ),
    **dict.fromkeys(
        ("compensation.services.plan_drafts.save_draft",),
        "The own draft, saved as it is typed; submitting it records the document.",
    ),
}


def functions() -> dict[str, tuple[str, ast.FunctionDef]]:
    """Public services that act at an instant, by ``app.module.name``; with the source they stand in."""
    found = {}
    for path in sorted(APPS.glob("*/services/**/*.py")) + sorted(APPS.glob("*/services.py")):
        parts = path.relative_to(APPS).with_suffix("").parts
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                found[".".join((*parts, node.name))] = (str(path), node)
    return found


def called(node: ast.AST) -> set[str]:
    names = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call):
            target = inner.func
            names.add(target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", ""))
    return names


def reaching(wanted: set[str]) -> dict[str, bool]:
    """Whether each function calls one of ``wanted``, itself or through others of the services."""
    calls = {name: called(node) for name, (_, node) in functions().items()}
    by_last: dict[str, list[str]] = defaultdict(list)
    for name in calls:
        by_last[name.rpartition(".")[2]].append(name)
    reached = {name: bool(own & wanted) for name, own in calls.items()}
    changed = True
    while changed:
        changed = False
        for name, own in calls.items():
            if not reached[name] and any(reached[other] for one in own for other in by_last.get(one, ())):
                reached[name] = changed = True
    return reached


def silent() -> set[str]:
    writes, records = reaching(WRITES), reaching(RECORDS)
    return {
        name
        for name, (_, node) in functions().items()
        if not node.name.startswith("_")
        and any(one.arg == "at" for one in node.args.kwonlyargs)
        and writes[name]
        and not records[name]
    }


def test_every_service_that_changes_something_records_it_or_says_why_not() -> None:
    assert silent() - set(EXEMPT) == set()


def test_no_exemption_is_left_over() -> None:
    assert set(EXEMPT) - silent() == set()


def test_each_exemption_says_why() -> None:
    assert all(reason.endswith(".") for reason in EXEMPT.values())
