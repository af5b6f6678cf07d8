"""A policy in words, for whoever reads what is promised and what was changed.

Pure. Targets are business minutes; a business day counts as eight hours of them.
"""

from collections.abc import Sequence

from apps.slas.rules.promises import Terms

HOUR, DAY = 60, 480
FALLBACKS = {"reroute": "route it again without this AE", "auto_accept": "accept it by itself"}
CHANNELS = {
    "call": "a call",
    "email": "an e-mail",
    "social": "a social message",
    "chat": "a chat",
    "visit": "a visit",
}


def span(minutes: int) -> str:
    """``30 min``, ``4 h``, ``1 h 30 min``, ``2 business days``, ``11 business days 7 h``."""
    if minutes == 0:
        return "no time at all"
    days, rest = divmod(minutes, DAY)
    hours, rest = divmod(rest, HOUR)
    whole = f"{days} business day{'' if days == 1 else 's'}" if days else ""
    return " ".join(filter(None, [whole, f"{hours} h" if hours else "", f"{rest} min" if rest else ""]))


def promised(minutes: int, wanted: int = 1) -> str:
    """What a running promise asks for: ``in 30 min``, ``6 in 12 business days``."""
    return f"{wanted} in {span(minutes)}" if wanted > 1 else f"in {span(minutes)}"


def listed(words: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def promises_of(terms: Terms) -> list[str]:
    """Each promise as a phrase, the first response first; none where the policy promises nothing."""
    found = []
    if terms.first_response_minutes is not None:
        found.append(f"First response in {span(terms.first_response_minutes)}")
    if terms.touch_count is not None and terms.touch_days is not None:
        found.append(touches(terms.touch_count, terms.touch_days, terms.touch_channels))
    if terms.disposition_minutes is not None:
        found.append(f"Disposition in {span(terms.disposition_minutes)}")
    if terms.ae_answer_minutes is not None:
        found.append(f"AE’s answer in {span(terms.ae_answer_minutes)}")
    return found


def touches(count: int, days: int, channels: Sequence[str] = ()) -> str:
    """``6 touches in 10 business days, a call and an e-mail among them``."""
    among = f", {listed([CHANNELS.get(one, one) for one in channels])} among them" if channels else ""
    return (
        f"{count} touch{'' if count == 1 else 'es'} in {days} business day{'' if days == 1 else 's'}{among}"
    )


def steps_of(terms: Terms) -> list[str]:
    """Each step of escalation, and what follows an AE's silence at last."""
    found = [step.in_words for step in terms.steps]
    if terms.fallback in FALLBACKS and terms.ae_answer_minutes is not None:
        found.append(f"a hand-off that its AE does not answer: {FALLBACKS[terms.fallback]}")
    return found


def whom(terms: Terms) -> str:
    """``Score is A; Motion is Inbound``, or that it takes every lead."""
    return "; ".join(one.in_words for one in terms.conditions) or "Every lead"


def described(terms: Terms) -> dict[str, str]:
    """What a reader of the history compares, by its heading."""
    none = "nothing"
    return {
        "Name": terms.name,
        "For whom": whom(terms),
        "Promises": "; ".join(promises_of(terms)) or none,
        "At risk": f"from {terms.warn_percent} % of the time on",
        "Escalation": "; ".join(steps_of(terms)) or none,
    }
