"""docs/metrics.md says what the registry says."""

from pathlib import Path

from apps.leads.rules.metrics import METRICS
from apps.scorecards.rules.layout import KEY_FIGURES, LAYOUTS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"


def documented() -> dict[str, list[str]]:
    rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {row[0].strip("`"): row[1:] for row in cells}


class TestMetricsDocument:
    def test_has_a_row_for_each_metric_and_no_other(self):
        assert list(documented()) == list(METRICS)

    def test_says_of_each_what_the_code_says(self):
        for key, (name, unit, better, says, events, _) in documented().items():
            metric = METRICS[key]
            assert (name, unit, says) == (metric.name, metric.unit, metric.says)
            assert better == {"up": "higher", "down": "lower"}[metric.better]
            assert events == ", ".join(f"`{part.kind}` {part.capacity}" for part in metric.parts)

    def test_says_of_each_on_whose_card_it_stands(self):
        for key, row in documented().items():
            roles = [role.upper() for role, layout in LAYOUTS.items() if key in layout.metrics]
            assert row[-1] == ", ".join(roles)


class TestLayouts:
    def test_show_metrics_that_exist_and_headline_one_of_their_own(self):
        for role, layout in LAYOUTS.items():
            assert set(layout.metrics) <= set(METRICS), role
            assert layout.headline in layout.metrics
            assert set(KEY_FIGURES[role]) <= set(layout.metrics)
            assert {key for key, _ in layout.quotas} & set(layout.metrics)
