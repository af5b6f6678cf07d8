"""Windows as people write them: ``09:00-12:30, 13:30-17:30``, or ``22:00-06:00 next day``.

Pure. A window that ends before it starts is refused unless it says that it ends on the next day, so that
a slip of the pen never opens the office for the night.
"""

import re
from collections.abc import Iterable, Mapping

from apps.reps.rules.hours import WEEKDAYS, Window, clock_of, is_overnight, minutes_of

MOST = 8
"""Windows or breaks of one day; nobody has as many."""

_CLOSED = ("closed", "none", "-", "–", "—")
_CLOCK = r"(\d{1,2})(?:[:.h]?(\d{2}))?"
_WINDOW = re.compile(
    rf"{_CLOCK}\s*(?:-|–|—|to|until)\s*{_CLOCK}\s*(\+\s*1|next day|overnight)?", re.IGNORECASE | re.ASCII
)


class NotAWindow(ValueError):
    """Text that is no window; the message is a sentence for whoever wrote it."""


def read_windows(text: str) -> tuple[Window, ...]:
    """The windows in ``text``, in order of their start; none for an empty text or "closed".

    Raises ``NotAWindow`` naming the part that it cannot read, or that ends before it starts.
    """
    parts = [part.strip() for part in re.split(r"[,;\n]|\band\b", text.replace("\u2060", "")) if part.strip()]
    if not parts or (len(parts) == 1 and parts[0].lower() in _CLOSED):
        return ()
    if len(parts) > MOST:
        raise NotAWindow(f"At most {MOST} a day.")
    return tuple(sorted((_window(part) for part in parts), key=lambda window: minutes_of(window[0])))


def _window(part: str) -> Window:
    match = _WINDOW.fullmatch(part)
    if match is None:
        raise NotAWindow(f"“{part[:40]}” is no time of day. Write 09:00-17:30, several with a comma between.")
    opens, closes = _clock(match[1], match[2]), _clock(match[3], match[4])
    if opens == "24:00":
        raise NotAWindow("A day begins at 00:00; 24:00 is its end.")
    window, says_next = (opens, closes), match[5] is not None
    if is_overnight(window) and not says_next:
        raise NotAWindow(
            f"{opens}-{closes} ends before it starts. Write “{opens}-{closes} next day” if it runs overnight."
        )
    if says_next and not is_overnight(window):
        raise NotAWindow(f"{opens}-{closes} next day is longer than a day.")
    return window


def _clock(hours: str, minutes: str | None) -> str:
    found = int(hours) * 60 + int(minutes or 0)
    if int(minutes or 0) > 59 or found > 24 * 60:
        raise NotAWindow(f"{hours}:{minutes or '00'} is no time of day.")
    return clock_of(found)


def write_windows(windows: Iterable[Window]) -> str:
    """As ``read_windows`` reads them again; "" for none."""
    return ", ".join(
        f"{opens}-{closes}{' next day' if is_overnight((opens, closes)) else ''}" for opens, closes in windows
    )


_SHORT = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def week_words(weekly: Mapping[str, Iterable[Window]]) -> str:
    """A week in words, equal neighbours together: ``Mon–Thu 09:00–17:30; Fri 09:00–16:30``."""
    runs: list[tuple[str, list[str]]] = []
    for key, name in zip(WEEKDAYS, _SHORT, strict=True):
        text = write_windows((opens, closes) for opens, closes in weekly.get(key, ()))
        if runs and runs[-1][0] == text:
            runs[-1][1].append(name)
        else:
            runs.append((text, [name]))
    said = [
        f"{names[0]}-{names[-1]} {text}" if len(names) > 1 else f"{names[0]} {text}"
        for text, names in runs
        if text
    ]
    # A line never breaks within a span of time.
    return "; ".join(said).replace("-", "\u2060–\u2060") or "never open"
