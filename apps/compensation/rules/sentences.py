"""What a component says beside its rates, in sentences for people. Pure."""

from apps.compensation.rules import words
from apps.compensation.rules.rates import within
from apps.compensation.rules.terms import COUNTS_WHEN, Component


def limits_in_words(component: Component) -> list[str]:
    """What else a component says beside its rates, as sentences without money, which needs a currency."""
    found = []
    if component.split != 1:
        found.append(f"{words.credit(component.split)} of each event is split to this role.")
    if threshold := component.threshold:
        then = "everything counts from there" if threshold.pays_all else "only what is above counts"
        found.append(f"Nothing is paid below {threshold.label}; {then}.")
    for one in component.multipliers:
        if one.conditions:
            held = " and ".join(condition.in_words for condition in one.conditions)
            found.append(f"{one.name}: times {words.decimal(one.times)} where {held}.")
        else:
            bands = ", ".join(f"{band.label} times {words.decimal(band.rate)}" for band in one.bands)
            found.append(f"{one.name}: {bands} ({one.method.value}).")
    if component.holdback:
        when = ", ".join(
            f"{words.credit(one.share)} when {one.label or COUNTS_WHEN[one.on].lower()}"
            for one in component.holdback.releases
        )
        found.append(f"{words.credit(component.holdback.share)} is held back: {when}.")
    if component.clawback:
        how = "day by day" if component.clawback.pro_rata else "in full"
        found.append(f"Taken back {how} when reversed within {component.clawback.within_days} days.")
    if component.bonus:
        found.append(f"For {within(component.bonus.starts_on, component.bonus.ends_on)}.")
    return found
