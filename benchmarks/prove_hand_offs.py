"""Let several answer one hand-off at once, and many claim leads at once: exactly one outcome each time.

    .venv/bin/python benchmarks/prove_hand_offs.py [RACES] [LEADS] [--clients 32] [--seed N]

RACES (10,000 when not said): three processes answer the same hand-off at the same instant, one accepts, one rejects,
and for one the time is up (the sweep of promises accepts in silence, as the policy says). Exactly one may have its
way, the others are refused in words, and state, record, opportunity, lead and meeting say one thing. An AE's answer is
then taken back and the hand-off raced again, up to fifty times; what was accepted in silence stays, and the next one is
made. LEADS (100,000): so many processes press *Next* until the queue is empty; no lead is given twice, none is left.

Prints the seed first, ends with 1 at the first difference. DATABASE_URL=sqlite:// proves it on SQLite. The scratch
database is ``benchmarks.measure``'s.
"""

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesportal.settings.test")

from measure import start_django

start_django()

from django.db import connection  # noqa: E402
from filling import filling, insert, instant, numbers  # noqa: E402

from apps.core.errors import DomainError  # noqa: E402
from apps.leads.models import AnsweredHow, HandOff, Lead, Meeting, TakenSlot  # noqa: E402
from apps.leads.services import hand_offs, queue, unanswering  # noqa: E402
from apps.reps.models import Rep, RepRole  # noqa: E402
from apps.slas.models import Policy  # noqa: E402
from apps.slas.services import sweep  # noqa: E402
from tests.cast import NOW, Cast, assemble  # noqa: E402
from tests.leads.scenes import handed_off  # noqa: E402
from tests.leads.test_contest_races import whole  # noqa: E402

AGAIN = 50
HEAD_START = 0.02
FAR_OFF = 20
"""Times on offer that are passed over, so that the meeting is still to come when its hand-off is raced."""
FORK = multiprocessing.get_context("fork")


class Different(AssertionError):
    """More than one had its way, nobody had, or what is on record does not agree."""


# --- Accept against reject against expiry --------------------------------------------------------------


def answer(how: str, pk: int, at: datetime, user: Any) -> None:
    if how == "expire":
        sweep.sweep(at=at)
        sweep.escalate(at=at)
        return
    hand_off = HandOff.objects.get(pk=pk)
    if how == "accept":
        hand_offs.accept_hand_off(hand_off=hand_off, at=at, amount_minor=100_00, actor=user)
    else:
        hand_offs.reject_hand_off(
            hand_off=hand_off, criterion="need", reason="wrong_person", comment="", at=at, actor=user
        )


def one_client(how: str, user: Any, told: Any, together: Any) -> None:
    """Answer what one is told to, each time when everybody is ready; says what came of it."""
    connection.close()
    while (wanted := told.recv()) is not None:
        pk, at, wait = wanted
        together.wait()
        time.sleep(wait)
        try:
            answer(how, pk, at, user)
            told.send("done")
        except DomainError as error:
            told.send(f"refused: {error}")
        except Exception as error:  # everything else is what is looked for
            told.send(f"BROKEN: {error!r}")
    connection.close()


class Clients:
    """One process for each way of answering."""

    WAYS = ("accept", "reject", "expire")

    def __init__(self, cast: Cast) -> None:
        connection.close()
        together = FORK.Barrier(len(self.WAYS))
        self.pipes, self.processes = {}, []
        for how in self.WAYS:
            self.pipes[how], theirs = FORK.Pipe()
            process = FORK.Process(target=one_client, args=(how, cast.ae, theirs, together))
            process.start()
            self.processes.append(process)

    def race(self, pk: int, at: datetime, rng: Random) -> dict[str, str]:
        for pipe in self.pipes.values():
            pipe.send((pk, at, rng.random() * HEAD_START))
        return {how: pipe.recv() for how, pipe in self.pipes.items()}

    def end(self) -> None:
        for pipe in self.pipes.values():
            pipe.send(None)
        for process in self.processes:
            process.join()


def winner(pk: int, said: dict[str, str]) -> str:
    """Who had their way. Raises ``Different`` where it was not exactly one."""
    hand_off = HandOff.objects.get(pk=pk)
    won = [how for how in ("accept", "reject") if said[how] == "done"]
    if hand_off.answered_how == AnsweredHow.SILENCE and hand_off.state == HandOff.State.ACCEPTED:
        won.append("expire")
    state = {"accept": "accepted", "reject": "rejected", "expire": "accepted"}
    broken = [one for one in said.values() if one.startswith("BROKEN")]
    if broken or len(won) != 1 or hand_off.state != state[won[0]]:
        raise Different(f"hand-off {pk}: {said}, it is {hand_off.state} ({hand_off.answered_how})")
    whole(hand_off)
    _meeting_agrees(hand_off)
    return won[0]


def _meeting_agrees(hand_off: HandOff) -> None:
    """The meeting stands unless the answer was no, and its time is taken just as long."""
    meeting = Meeting.objects.get(pk=hand_off.meeting_id)
    stands = hand_off.state != HandOff.State.REJECTED
    taken = TakenSlot.objects.filter(meeting=meeting).exists()
    if (meeting.state == Meeting.State.BOOKED, taken) != (stands, stands):
        raise Different(f"hand-off {hand_off.pk} is {hand_off.state}, its meeting {meeting.state}")


def races(many: int, rng: Random) -> None:
    cast = assemble()
    Policy.objects.update(ae_fallback="auto_accept", ae_answer_minutes=1)
    Rep.objects.aes().update(weekly_meeting_cap=9_999, daily_meeting_cap=999)
    clients, won, made, began = Clients(cast), Counter[str](), 0, time.monotonic()
    try:
        while sum(won.values()) < many:
            booked = NOW + timedelta(days=7 * (made // 10))
            hand_off = handed_off(cast, f"Company{made} Ltd", at=booked, slot=FAR_OFF + rng.randrange(10))
            made += 1
            at = HandOff.objects.get(pk=hand_off.pk).due_at + timedelta(hours=1)
            for _ in range(min(AGAIN, many - sum(won.values()))):
                how = winner(hand_off.pk, clients.race(hand_off.pk, at, rng))
                won[how] += 1
                if how == "expire":
                    break
                present = HandOff.objects.get(pk=hand_off.pk)
                unanswering.take_answer_back(hand_off=present, at=at + timedelta(seconds=30), actor=cast.ae)
                whole(hand_off)
                at += timedelta(minutes=2)
    finally:
        clients.end()
    spent = time.monotonic() - began
    outcomes = ", ".join(f"{how} {won[how]:,}" for how in Clients.WAYS)
    print(
        f"{sum(won.values()):,} races on {made:,} hand-offs, exactly one outcome each: {outcomes}; {spent:.0f} s"
    )


# --- Many who claim ------------------------------------------------------------------------------------


def claims(many: int, clients: int) -> None:
    """Everybody takes the next lead until there is none; what is taken leaves the queue, as a touch would let it."""
    sdr = Rep.objects.filter(name="Sdr").select_related("team").first()
    team = sdr.team if sdr else assemble().sdr_team
    Lead.objects.exclude(queue_bucket=None).update(queue_bucket=None, queue_sort_at=None, queue_ready_at=None)
    reps = Rep.objects.bulk_create(
        [
            Rep(name=f"Client {number}", team=team, role=RepRole.ISR, hired_on=NOW.date())
            for number in range(clients)
        ]
    )
    like = Lead(team=team, stage="mql", created_at=NOW)
    queue.settle(like)
    first = (Lead.objects.order_by("-pk").values_list("pk", flat=True).first() or 0) + 1
    arrived = instant(f"{NOW - timedelta(days=2):%Y-%m-%d %H:%M:%S}", "i % 86400")
    columns = {
        "id": f"{first} + i", "name": "'Person ' || i", "team_id": str(team.pk), "stage": "'mql'",
        "created_at": arrived, "queue_bucket": str(int(like.queue_bucket or 0)), "queue_sort_at": arrived,
        "queue_ready_at": arrived,
    }  # fmt: skip
    with filling(Lead):
        insert(Lead, columns, numbers(many))
    connection.close()
    together, answers = FORK.Barrier(clients), FORK.Queue()
    processes = [FORK.Process(target=_claim_all, args=(rep, together, answers)) for rep in reps]
    began = time.monotonic()
    for process in processes:
        process.start()
    found = [answers.get() for _ in processes]
    for process in processes:
        process.join()
    spent = time.monotonic() - began
    broken = [said for said in found if isinstance(said, str)]
    if broken:
        raise Different(broken[0])
    given = Counter(pk for _, taken in found for pk in taken)
    double = [pk for pk, times in given.items() if times > 1]
    if double or len(given) != many:
        raise Different(f"{len(double)} leads were given twice, {many - len(given)} to nobody")
    owners = dict(Lead.objects.filter(pk__gte=first).values_list("pk", "owner_id"))
    if any(owners[pk] != rep for rep, taken in found for pk in taken):
        raise Different("A lead is not with whom it was given to.")
    print(
        f"{many:,} leads claimed by {clients} clients, each once, none left: {many / spent:.0f} a second, {spent:.0f} s"
    )


def _claim_all(rep: Rep, together: Any, answers: Any) -> None:
    taken: list[int] = []
    try:
        own = Rep.objects.select_related("team__calendar").get(pk=rep.pk)
        together.wait()
        while (lead := queue.claim_next(rep=own, at=NOW)) is not None:
            taken.append(lead.pk)
            done = Lead.objects.filter(pk=lead.pk, claimed_by=own).update(
                owner=own, claimed_by=None, claimed_until=None, queue_bucket=None, queue_sort_at=None,
                queue_ready_at=None,
            )  # fmt: skip
            if done != 1:
                raise Different(f"Lead {lead.pk} was taken from {own.name}, who held it.")
        answers.put((own.pk, taken))
    except Exception as error:  # told to the parent, who ends with it
        answers.put(f"{rep.name}: {error!r}")
    finally:
        connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("races", nargs="?", type=int, default=10_000)
    parser.add_argument("leads", nargs="?", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    print(f"seed {asked.seed}, {connection.vendor}", flush=True)
    if asked.races:
        races(asked.races, Random(asked.seed))
    if asked.leads:
        claims(asked.leads, asked.clients)


if __name__ == "__main__":
    main()
