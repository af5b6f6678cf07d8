"""Figures that stand in a row (sparkline, bullet), and the pictures with a template of their own."""

from collections.abc import Sequence
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from apps.portal import pictures
from apps.portal.templatetags.components.library import register

for _template, _picture in (
    ("components/_waterfall.html", pictures.waterfall),
    ("components/_funnel.html", pictures.funnel),
    ("components/_target_chart.html", pictures.target_chart),
    ("components/_spread.html", pictures.spread),
    ("components/_hbars.html", pictures.hbars),
):
    register.inclusion_tag(_template)(_picture)


@register.simple_tag
def sparkline(values: Sequence[Any], label: str = "", better: str = "up") -> SafeString | str:
    """The course of a few values, oldest first (``None`` is left out). ``better="down"`` is said in words."""
    known = [(index, float(value)) for index, value in enumerate(values or []) if value is not None]
    if not known:
        return "–"
    low, high = min(value for _, value in known), max(value for _, value in known)
    width, height, pad = 64, 22, 4
    step = (width - 2 * pad) / max(len(values) - 1, 1)
    rise = (height - 2 * pad) / (high - low) if high > low else 0
    points = [(pad + index * step, height - pad - (value - low) * rise) for index, value in known]
    if high == low:
        points = [(x, height / 2) for x, _ in points]
    course = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    first, last = values[known[0][0]], values[known[-1][0]]
    words = label or f"From {pictures.in_figures(first)} to {pictures.in_figures(last)}"
    note = '<span class="spark-note">lower is better</span>' if better == "down" else ""
    return mark_safe(  # noqa: S308 - numbers and escaped words
        f'<svg class="spark" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(words)}">'
        f'<polyline points="{course}"/>'
        f'<circle cx="{points[-1][0]:.1f}" cy="{points[-1][1]:.1f}" r="2.5"/></svg>{note}'
    )


@register.simple_tag
def bullet(
    value: Any, target: Any, maximum: Any = None, label: str = "", better: str = "up", scale: bool = False
) -> SafeString | str:
    """A bar against a mark at the target; beside it the share reached. ``scale`` adds the axis below.

    With ``better="down"`` the share is target over value, so that above 100 % is good both ways.
    """
    if value is None or not target:
        return "–"
    have, mark = float(value), float(target)
    top = float(maximum) if maximum else max(have, mark) * 1.15
    share = (have / mark) if better == "up" else (mark / have if have else 0.0)
    words = label or f"{share * 100:.0f} % of target"
    picture = (
        f'<span class="bullet" role="img" aria-label="{escape(words)}">'
        f'<i style="width:{pictures.clamp(have / top) * 100:.1f}%"></i>'
        f'<u style="left:{pictures.clamp(mark / top) * 100:.1f}%"></u></span>'
    )
    if scale:
        # The end of the scale is told where it does not run into the target's own figure.
        end = f"<span>{pictures.in_figures(round(top))}</span>" if mark / top < 0.7 else "<span></span>"
        picture = (
            f'<span class="grow">{picture}<span class="bullet-scale" aria-hidden="true"><span>0</span>'
            f'<span style="left:{pictures.clamp(mark / top) * 100:.1f}%">{pictures.in_figures(target)}</span>'
            f"{end}</span></span>"
        )
    return mark_safe(  # noqa: S308 - numbers and escaped words
        f'<span class="bullet-cell">{picture}<span class="num">{share * 100:.0f} %</span></span>'
    )
