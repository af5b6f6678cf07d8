"""Nine months, told day by day: what comes in, what the SDRs do, what the AEs do, what a month's end brings."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from apps.audit.origin import acting_from
from apps.portal.demo import (
    agreements,
    asking,
    cadences,
    coaching,
    crediting,
    customers,
    founding,
    pay,
    people,
    promises,
    ranking,
    replaying,
    reviewing,
    reviews,
    routing,
    scorecards,
    telling,
    who_is_who,
)
from apps.portal.demo.booked import Booked
from apps.portal.demo.chance import Chance
from apps.portal.demo.closing import Closing
from apps.portal.demo.companies import World
from apps.portal.demo.contesting import Contesting
from apps.portal.demo.founding import Company, Desk
from apps.portal.demo.inflow import Inflow
from apps.portal.demo.life import Span
from apps.portal.demo.selling import Selling
from apps.portal.demo.today import Today
from apps.portal.demo.visiting import Visiting, put_focus_blocks
from apps.portal.demo.working import Working
from apps.slas.services import sweep

SIZES = {"small": 0.25, "default": 1.0, "large": 5.0}

Progress = Callable[[int, int, str], None]


@dataclass
class _Part:
    """What happens at one desk."""

    desk: Desk
    inflow: Inflow
    working: Working
    selling: Selling
    today: Today


def tell(*, at: datetime, size: float, seed: int, zone: str, progress: Progress) -> Company:
    """Write the company and its history up to ``at``; a transaction for each week.

    The same seed, size and instant make the same company. Memory follows what is open at any time, not
    the length of the history.
    """
    span = Span(at.replace(microsecond=0), zone)
    with acting_from("command:load_demo_company"):
        with transaction.atomic():
            company = founding.found(span, people.offices(size, Chance(seed, "people")), seed)
            agreements.put_definitions(company, span)
            pay.put_plans(company, span)
            routing.put_routing(company, span)
            put_focus_blocks(company, span)
            cadences.put_policy(company, span)
            visiting = Visiting(span, Chance(seed, "visiting"), size)
            closing = Closing(company, span, Chance(seed, "closing"))
            weekly = reviews.WeeklyReviews(company, span, Chance(seed, "reviews"))
            world = World(Chance(seed, "world"))
            parts = [_part(desk, world, span, seed) for desk in company.desks]
            for part in parts:
                part.selling.carry_over()
        monday = span.start
        while monday <= span.today:
            following = monday + timedelta(days=7 - monday.weekday())
            with transaction.atomic():
                day = monday
                while day < min(following, span.today + timedelta(days=1)):
                    weekly.hold(day)
                    _day(day, span, closing, parts)
                    day += timedelta(days=1)
                visiting.week(span.bounds(monday)[0], min(span.bounds(following)[0], span.at))
            progress((min(following, span.today) - span.start).days, span.days, f"Week of {monday:%d %b %Y}")
            monday = following
        with transaction.atomic():
            Booked(span, Chance(seed, "booked")).tell()
        with transaction.atomic():
            customers.put_customers(company, span, seed)
        with transaction.atomic():
            cadences.put_cadences(company, span)
        with transaction.atomic():
            who_is_who.tell(company, span)
        with transaction.atomic():
            promises.put_policies(company, span)
        with transaction.atomic():
            pay.put_names(company, span)
        with transaction.atomic():
            routing.put_draft(company, span)
        with transaction.atomic():
            ranking.put_ranking(company, span)
            scorecards.put_card_reviews(span)
        with transaction.atomic():
            coaching.put_coaching(company, span, seed)
        with transaction.atomic():
            crediting.put_money(company, span, seed)
        with transaction.atomic():
            replaying.put_replay(company, span)
        with transaction.atomic():
            reviewing.put_reviews(company, span)
        with transaction.atomic():
            asking.put_inquiries(company, span)
        with transaction.atomic():
            telling.put_webhooks(span)
            telling.put_form(span)
        with transaction.atomic():
            reviews.put_spend(company, span, seed)
            weekly.tell_of_today()
    return company


def _part(desk: Desk, world: World, span: Span, seed: int) -> _Part:
    office = desk.office.suffix
    inflow = Inflow(desk, world, span, Chance(seed, f"inflow{office}"))
    return _Part(
        desk,
        inflow,
        Working(desk, span, Chance(seed, f"working{office}")),
        Selling(
            desk,
            world,
            span,
            Chance(seed, f"selling{office}"),
            Contesting(Chance(seed, f"contesting{office}")),
        ),
        Today(desk, inflow, span, Chance(seed, f"today{office}")),
    )


def _day(day: date, span: Span, closing: Closing, parts: list[_Part]) -> None:
    """One day at every desk, nothing of it after the present instant."""
    end = min(span.bounds(day)[1], span.at)
    if day < span.today:
        # In the morning, on what was recorded up to then.
        closing.go_on(end)
    for part in parts:
        part.working.say_goodbye(day)
        newcomers = [one for one in part.inflow.on(day) if one.arrival.at < end]
        for prospect, arrived_at in part.working.take(newcomers):
            part.working.plan_first_touch(prospect, arrived_at)
        for handed in part.working.work(end):
            part.selling.receive(handed, handed.hand_off.created_at)
        part.selling.look_around(day)
        part.selling.go_on(end)
        for prospect, at in part.selling.returned:
            part.working.come_back(prospect, at)
        part.selling.returned.clear()
    if day == span.today:
        for part in parts:
            part.today.fill()
        closing.go_on(end)
    sweep.sweep(at=end)
