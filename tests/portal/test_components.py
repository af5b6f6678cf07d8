"""The small parts of a page: what they say, what they escape, and what they cost."""

from datetime import UTC, datetime, timedelta
from html import unescape
from types import SimpleNamespace

import pytest
from django import forms
from django.contrib.messages import constants
from django.contrib.messages.storage.base import Message
from django.template import Context, Template
from django.test import RequestFactory
from django.utils.html import strip_tags

from apps.portal.context_processors import ShownPlace
from apps.portal.counts import Count
from apps.portal.navigation import Place
from apps.portal.styleguide import SpecimenJob

NOW = datetime(2026, 11, 12, 9, 42, tzinfo=UTC)


def rendered(source: str, **context: object) -> str:
    return Template(source).render(Context({"viewer_zone": "Europe/Berlin", "now": NOW, **context}))


def words(source: str, **context: object) -> str:
    return " ".join(strip_tags(rendered(source, **context)).split())


class TestIcon:
    def test_is_hidden_from_screen_readers_unless_it_has_a_name(self):
        assert 'aria-hidden="true"' in rendered('{% icon "check" %}')
        named = rendered('{% icon "lock" "" "Locked" %}')
        assert 'role="img" aria-label="Locked"' in named
        assert "aria-hidden" not in named

    def test_escapes_its_name(self):
        assert "<b>" not in rendered('{% icon "x" "" name %}', name='"><b>')


class TestFilled:
    def test_prints_each_value_in_its_place_and_escapes_it(self):
        source = '{% filled "components/_clock.html" date=date zone=zone time="9:42" zone_word="CET" %}'
        text = rendered(source, date="<b>100 %</b>", zone='"onclick=')
        assert "&lt;b&gt;100 %&lt;/b&gt;" in text
        assert 'data-clock="&quot;onclick="' in text

    def test_keeps_nothing_of_whom_it_was_filled_for(self):
        source = '{% filled "components/_who.html" name=name initials="x" role="SDR" csrf_token=token %}'
        assert "Maya" in rendered(source, name="Maya", token="first")
        text = rendered(source, name="Ivo", token="second")
        assert ("Maya" in text, "first" in text) == (False, False)
        assert 'value="second"' in text


class TestMarks:
    def test_a_score_is_a_letter_with_its_word(self):
        assert words('{% score "a" %}') == "Score A"

    @pytest.mark.parametrize("letter", ["", None, "E", "<b>"])
    def test_an_unknown_score_is_a_dash(self, letter):
        assert rendered("{% score letter %}", letter=letter) == "–"

    def test_a_higher_tier_has_more_bars(self):
        lit = [rendered("{% tier number %}", number=number).count("class=on") for number in (1, 2, 3)]
        assert lit == [3, 2, 1]

    def test_a_badge_has_icon_and_word_and_escapes(self):
        badge = rendered('{% badge "bad" text %}', text="<i>Not met</i>")
        assert "badge-bad" in badge
        assert "#stop" in badge
        assert "&lt;i&gt;Not met" in badge

    def test_an_avatar_shows_initials(self):
        assert words("{% avatar name %}", name="Sanne de Wit") == "SW"


class TestFixed:
    def test_sees_nothing_but_what_it_is_given(self):
        places = (ShownPlace(Place("Own & only", "portal:home", "queue", "d"), "/", True, Count(3)),)
        source = '{% fixed "components/_more_places.html" places=places %}'
        shown = rendered(source, places=places, frame={"user": "Sanne"})
        assert "Own &amp; only" in shown
        assert "Sanne" not in shown

    def test_is_made_once_for_the_same_values_and_anew_for_others(self):
        place = Place("Home", "portal:home", "queue", "d")
        shown = [
            rendered(
                '{% fixed "components/_tabs.html" tabs=tabs %}', tabs=(ShownPlace(place, "/", False, count),)
            )
            for count in (Count(3), Count(3), Count(4))
        ]
        assert shown[0] == shown[1] != shown[2]

    def test_what_cannot_be_told_apart_is_refused(self):
        with pytest.raises(TypeError):
            rendered('{% fixed "components/_tabs.html" tabs=tabs %}', tabs=[])


class TestCountdown:
    @pytest.mark.parametrize(
        "minutes, warn, state, said",
        [
            (78, None, "left", "1 h 18 left"),
            (9, -6, "risk", "9 min at risk"),
            (9, 1, "left", "9 min left"),
            (-12, -60, "late", "12 min late"),
            (0, -60, "late", "0 min late"),
            (60 * 24 * 3, None, "left", "Sun 10:42 due"),
            (60 * 24 * 20, None, "left", "2 Dec 10:42 due"),
        ],
    )
    def test_says_state_time_and_word(self, minutes, warn, state, said):
        source = "{% countdown due now warn_at=warn %}"
        context = {
            "due": NOW + timedelta(minutes=minutes),
            "warn": None if warn is None else NOW + timedelta(minutes=warn),
        }
        assert words(source, **context) == said
        assert f"cd-{state}" in rendered(source, **context)

    def test_a_part_of_a_minute_counts_as_one(self):
        assert words("{% countdown due now %}", due=NOW + timedelta(seconds=61)) == "2 min left"

    def test_tells_the_due_instant_in_the_zone_of_the_viewer(self):
        shown = rendered("{% countdown due now %}", due=NOW + timedelta(minutes=5))
        assert 'title="Due Thursday 12 Nov, 10:47 CET"' in shown
        assert f'data-due="{(NOW + timedelta(minutes=5)).isoformat()}"' in shown

    def test_a_kept_promise_says_what_it_took_and_does_not_tick(self):
        shown = '{% countdown now now "met" took=took %}'
        assert words(shown, took=timedelta(minutes=41)) == "41 min met"
        assert "data-due" not in rendered(shown, took=timedelta(minutes=41))

    def test_a_paused_one_says_when_it_goes_on(self):
        source = '{% countdown now now "paused" resumes_at=later %}'
        assert words(source, later=NOW + timedelta(hours=4)) == "14:42 paused"
        assert "data-due" not in rendered(source, later=NOW)

    def test_without_an_instant_there_is_no_promise(self):
        assert rendered("{% countdown due now %}", due=None) == "–"


class TestFiguresInARow:
    def test_a_sparkline_says_where_it_began_and_ended(self):
        assert 'aria-label="From 3 to 1,200"' in rendered("{% sparkline values %}", values=[3, None, 7, 1200])

    def test_a_flat_sparkline_is_a_level_line(self):
        assert 'points="4.0,11.0 60.0,11.0"' in rendered("{% sparkline values %}", values=[5, 5])

    def test_says_in_words_that_lower_is_better(self):
        assert words('{% sparkline values better="down" %}', values=[61, 47]) == "lower is better"

    @pytest.mark.parametrize("values", [None, [], [None, None]])
    def test_nothing_known_is_a_dash(self, values):
        assert rendered("{% sparkline values %}", values=values) == "–"

    def test_a_bullet_says_the_share_reached(self):
        assert words("{% bullet 412600 360000 %}") == "115 %"

    def test_a_bullet_turns_round_where_lower_is_better(self):
        assert words('{% bullet 47 55 better="down" %}') == "117 %"

    def test_a_bullet_never_leaves_its_scale(self):
        assert "width:100.0%" in rendered("{% bullet 900 100 maximum=200 %}")

    def test_without_a_target_there_is_no_share(self):
        assert rendered("{% bullet 5 0 %}") == "–"


class _Form(forms.Form):
    amount = forms.IntegerField(label="Amount", help_text="In whole euros.")
    note = forms.CharField(required=False, widget=forms.Textarea)
    reason = forms.ChoiceField(choices=[("a", "Late"), ("b", "Wrong")], widget=forms.RadioSelect)
    agreed = forms.BooleanField(required=False)
    file = forms.FileField(required=False)

    def clean(self):
        if self.data.get("whole"):
            raise forms.ValidationError("The run is locked.")


class TestField:
    def test_ties_label_hint_and_error_to_the_input(self):
        form = _Form({"amount": "many", "reason": "a"})
        shown = rendered("{% field form.amount %}", form=form)
        assert '<label class="form-label" for="id_amount">' in shown
        assert 'aria-describedby="id_amount_helptext id_amount_error"' in shown
        assert 'id="id_amount_helptext"' in shown
        assert 'id="id_amount_error"' in shown
        assert 'aria-invalid="true"' in shown
        assert "is-invalid" in shown
        assert 'value="many"' in shown

    def test_a_good_field_points_at_its_hint_only(self):
        shown = rendered("{% field form.amount %}", form=_Form())
        assert 'aria-describedby="id_amount_helptext"' in shown
        assert "is-invalid" not in shown

    def test_says_what_may_be_left_out(self):
        assert "optional" in words("{% field form.note %}", form=_Form())
        assert "optional" not in words("{% field form.amount %}", form=_Form())

    def test_radios_are_a_group_with_a_legend(self):
        shown = rendered("{% field form.reason %}", form=_Form())
        assert "<fieldset" in shown
        assert "<legend" in shown
        assert shown.count('type="radio"') == 2

    def test_a_file_field_is_a_place_to_drop_one(self):
        assert "data-upload" in rendered("{% field form.file %}", form=_Form())

    def test_a_checkbox_stands_in_its_label(self):
        assert words("{% field form.agreed %}", form=_Form()) == "Agreed"

    @pytest.mark.parametrize(
        "data, said",
        [
            ({"amount": "x"}, "2 fields need a change. What you typed is kept."),
            ({"amount": "1"}, "One field needs a change. What you typed is kept."),
            ({"amount": "1", "reason": "a", "whole": "1"}, "The run is locked."),
            ({"amount": "1", "reason": "a"}, ""),
        ],
    )
    def test_the_alert_above_the_form_counts_and_says_what_is_wrong(self, data, said):
        assert words("{% form_errors form %}", form=_Form(data)) == said


class TestQueryString:
    def query(self, address: str, tag: str) -> str:
        return unescape(rendered(f"{{% query_string {tag} %}}", request=RequestFactory().get(address)))

    def test_changes_one_key_and_keeps_the_others(self):
        assert self.query("/?team=a&sort=name", "sort='due'") == "?team=a&sort=due"

    def test_removes_a_key_that_becomes_nothing(self):
        assert self.query("/?team=a&sort=name", "team=None") == "?sort=name"

    def test_drops_the_cursor_when_anything_else_changes(self):
        assert self.query("/?after=xyz&team=a", "team='b'") == "?team=b"
        assert self.query("/?after=xyz&team=a", "after='zzz'") == "?after=zzz&team=a"

    def test_escapes_what_came_in_the_address(self):
        assert "<" not in self.query("/?q=%3Cscript%3E", "sort='due'")


class TestToast:
    def toast(self, level: int, text: str, extra: str = "") -> str:
        return rendered("{% toast message %}", message=Message(level, text, extra_tags=extra))

    def test_offers_undo_where_there_is_a_way_back(self):
        shown = self.toast(constants.SUCCESS, "Logged: voicemail.", "undo=/touches/7/undo/")
        assert 'hx-post="/touches/7/undo/"' in shown
        assert 'data-key="z"' in shown

    def test_has_no_undo_otherwise(self):
        assert "Undo" not in self.toast(constants.SUCCESS, "Logged.")

    def test_an_error_stays_and_is_read_out(self):
        shown = self.toast(constants.ERROR, "Already decided.")
        assert "data-stays" in shown
        assert 'role="alert"' in shown

    def test_escapes_its_text(self):
        assert "<script>" not in self.toast(constants.INFO, "<script>alert(1)</script>")


class TestJobCard:
    def card(self, job: SpecimenJob) -> str:
        return rendered('{% job_card job "Importing leads" %}', job=job)

    def test_a_running_one_says_how_far_and_how_long(self):
        said = " ".join(strip_tags(self.card(SpecimenJob(1, "running", 2140, 3200, left=35))).split())
        assert "2,140 of 3,200, 66 %" in said
        assert "about 35 s left" in said

    @pytest.mark.parametrize("seconds, said", [(3, "5 s"), (600, "10 min"), (7200, "2 h")])
    def test_a_guess_is_told_roughly(self, seconds, said):
        assert f"about {said} left" in self.card(SpecimenJob(1, "running", 1, 9, left=seconds))

    def test_one_of_unknown_length_claims_no_share(self):
        shown = self.card(SpecimenJob(1, "running", 900, None))
        assert "unknown" in shown
        assert "aria-valuenow" not in shown

    def test_a_failed_one_says_why_and_polls_no_more(self):
        shown = self.card(SpecimenJob(1, "failed", 8, 10, error="Row 9 has no date."))
        assert "Row 9 has no date." in shown
        assert "data-poll-url" not in shown

    def test_polls_while_it_is_active(self):
        assert "data-poll-url" in self.card(SpecimenJob(1, "queued", 0, None))


class TestSteps:
    def test_the_present_step_is_marked_for_screen_readers(self):
        steps = [("Computed", "", "done"), ("Approved", "", "now"), ("Paid", "", "next")]
        assert rendered("{% stepper steps %}", steps=steps).count('aria-current="step"') == 1


class TestEmptyState:
    def test_says_what_to_do_next(self):
        shown = rendered(
            '{% empty_state "No runs yet" "Compute the first." "money" "Compute" "/runs/new/" %}'
        )
        assert 'href="/runs/new/"' in shown
        assert "Compute the first." in shown


class TestRowsAreCheap:
    def test_marks_that_repeat_are_made_once(self):
        """A list renders its icons thousands of times a second: the same object must come back."""
        from apps.portal.templatetags.components.marks import icon, score, tier

        assert icon("phone", "i-sm") is icon("phone", "i-sm")
        assert score("A") is score("A")
        assert tier(2) is tier(2)


class TestThousands:
    def test_groups_digits(self):
        assert rendered("{{ number|thousands }}", number=1234567) == "1,234,567"
        assert rendered("{{ number|thousands }}", number=None) == "–"


def test_an_object_without_extra_tags_can_be_a_toast():
    message = SimpleNamespace(level_tag="warning", __str__=lambda self: "x")
    assert "#alert" in rendered("{% toast message %}", message=message)
