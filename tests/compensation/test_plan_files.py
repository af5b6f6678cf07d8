"""Plan files: what is written is read the same, byte by byte; loading, exporting, and what is wrong by its place."""

import json
from io import StringIO
from string import ascii_lowercase

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.compensation.models import PlanVersion
from apps.compensation.rules.plan import parse_plan
from apps.compensation.rules.plan_file import document_fingerprint, plan_text
from apps.compensation.rules.sheet import from_fields, to_fields
from apps.compensation.rules.writing import write_plan
from apps.compensation.services import plans
from apps.compensation.views.plan_designer import component_kinds
from tests.cast import NOW, Cast
from tests.compensation.plan_documents import DRAW, OF_EVERY_KIND, component, plan

decimals = st.decimals("0", "99999", places=4, allow_nan=False).map(lambda value: f"{value.normalize():f}")
edges = st.lists(st.integers(1, 100_000), max_size=5, unique=True).map(sorted)


@st.composite
def banded(draw):
    """Bands with random edges, rates and method."""
    starts = [0, *draw(edges)]
    bands = []
    for at, start in enumerate(starts):
        end = {"to": str(starts[at + 1])} if at + 1 < len(starts) else {}
        bands.append({"from": str(start), "rate": draw(decimals)} | end)
    return component({"method": draw(st.sampled_from(["graduated", "whole"])), "bands": bands})


@st.composite
def documents(draw):
    """A plan of a few components of any kind, under random keys, with or without draw, days and notes."""
    chosen = draw(
        st.lists(st.one_of(st.sampled_from(list(OF_EVERY_KIND.values())), banded()), min_size=1, max_size=4)
    )
    components = [
        one | {"key": f"{draw(st.text(ascii_lowercase, min_size=1, max_size=5))}_{at}"}
        for at, one in enumerate(chosen)
    ]
    more = {"draw": DRAW} if draw(st.booleans()) else {}
    if draw(st.booleans()):
        more["ends_on"] = "2031-05-01"
    if draw(st.booleans()):
        more["notes"] = draw(st.text('aäß“” \n"\\{}€', min_size=1, max_size=30)).strip() or "x"
    return plan(*components, currency=draw(st.sampled_from(["EUR", "JPY", "KWD"])), **more)


def _reads(document) -> bool:
    try:
        parse_plan(document)
    except plans.InvalidInput:
        return False
    return True


class TestText:
    @given(documents())
    @settings(max_examples=60, deadline=None)
    def test_is_read_back_as_the_very_same_document(self, document):
        text = plan_text(document)
        assert json.loads(text) == document
        assert plan_text(json.loads(text)) == text
        assert document_fingerprint(json.loads(text)) == document_fingerprint(document)

    @given(documents())
    @settings(max_examples=60, deadline=None)
    def test_a_plan_that_is_written_out_of_its_rules_means_the_same(self, document):
        if not _reads(document):  # yen have no cents: not every amount of the examples is one
            return
        rules = parse_plan(document)
        written = write_plan(rules)
        assert parse_plan(json.loads(plan_text(written))) == rules
        assert write_plan(parse_plan(written)) == written

    @given(documents())
    @settings(max_examples=60, deadline=None)
    def test_the_sheet_of_the_designer_loses_nothing(self, document):
        sheet = from_fields(to_fields(document))
        if _reads(document):
            assert parse_plan(sheet) == parse_plan(document)
        assert from_fields(to_fields(sheet)) == sheet

    def test_does_not_depend_on_the_order_of_the_fields(self):
        document = plan(OF_EVERY_KIND["grid"])
        turned = json.loads(json.dumps(document), object_pairs_hook=lambda pairs: dict(reversed(pairs)))
        assert plan_text(turned) == plan_text(document)

    def test_short_parts_stand_on_one_line(self):
        text = plan_text(plan(OF_EVERY_KIND["whole"]))
        assert '"measure": {"event": "won", "capacity": "owned", "of": "amount"},' in text
        assert text.endswith("}\n")


class TestWhatComesAlong:
    @pytest.mark.parametrize("name", plans.EXAMPLES)
    def test_every_example_is_a_plan(self, name):
        document = plans.shipped_plan(name)
        assert parse_plan(document).components

    @pytest.mark.parametrize("kind", component_kinds())
    def test_every_kind_of_component_is_one(self, kind):
        one = component_kinds()[kind]
        assert one["label"]
        assert parse_plan(plan(one["component"])).components[0].key == one["component"]["key"]

    def test_another_name_is_refused_with_those_there_are(self):
        with pytest.raises(plans.InvalidInput, match="sdr, sdr_team"):
            plans.shipped_plan("../../settings")


@pytest.mark.django_db
class TestCommands:
    def _exported(self, name, *more):
        out = StringIO()
        call_command("export_plan", name, *more, stdout=out)
        return out.getvalue()

    def test_what_is_exported_loads_as_the_version_that_is_there(self, cast: Cast, tmp_path):
        document = plan(OF_EVERY_KIND["holdback"], OF_EVERY_KIND["grid"] | {"key": "other"}, draw=DRAW)
        made = plans.load_plan_document(document=document, author=cast.revops, at=NOW)
        file = tmp_path / "plan.json"
        call_command("export_plan", "Test plan", "--output", str(file), stdout=StringIO())
        call_command("load_plan", str(file), "--author", cast.revops.email, stdout=StringIO())
        assert list(PlanVersion.objects.all()) == [made]
        made.refresh_from_db()
        assert file.read_text() == self._exported("Test plan") == plan_text(document)

    def test_a_version_is_chosen_by_number_and_currency(self, cast: Cast):
        for currency in ("EUR", "USD"):
            plans.load_plan_document(
                document=plan(OF_EVERY_KIND["whole"], currency=currency), author=cast.revops, at=NOW
            )
        changed = plan(OF_EVERY_KIND["margin"], currency="USD")
        plans.load_plan_document(document=changed, author=cast.revops, at=NOW)
        with pytest.raises(CommandError, match="EUR, USD: say --currency"):
            self._exported("Test plan")
        assert "margin" in self._exported("Test plan", "--currency", "usd")
        assert "margin" not in self._exported("Test plan", "--currency", "usd", "--version-number", "1")
        with pytest.raises(CommandError, match="no such version"):
            self._exported("Test plan", "--version-number", "7")

    def test_submits_what_it_loads(self, cast: Cast):
        call_command(
            "load_plan", "ae_accelerated", "--author", cast.revops.email, "--submit", stdout=StringIO()
        )
        assert PlanVersion.objects.get().is_submitted

    def test_names_everything_that_is_wrong_by_its_place(self, cast: Cast, tmp_path):
        document = plan(OF_EVERY_KIND["whole"], OF_EVERY_KIND["whole"], role="king")
        document["components"][0] = document["components"][0] | {"cap": "much"}
        file = tmp_path / "plan.json"
        file.write_text(json.dumps(document))
        with pytest.raises(CommandError) as found:
            call_command("load_plan", str(file), "--author", cast.revops.email, stdout=StringIO())
        said = str(found.value)
        assert "  role: " in said
        assert "  components[0].cap: 'much' is not a number." in said
        assert "  components[1].key: " in said
        assert not PlanVersion.objects.exists()
