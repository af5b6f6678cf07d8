"""Who is one person: keys are normal forms, and likeness asks both ways alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.leads.rules.matching import (
    Likeness,
    Person,
    address_key,
    company_domain,
    company_key,
    compare,
    fold,
    name_key,
)
from apps.leads.rules.suppression import (
    Contact,
    closed_by,
    normal_domain,
    normal_email,
    normal_phone,
)

ANY = st.text(max_size=40)
PIECES = st.lists(
    st.sampled_from(
        ["Hanna", "VOGEL", "Vogel,", "Dr.", "Müller", "Mueller", "GmbH", "& Co.", "KG", "S.A.", "The", "h", "O'Neil",
         "Łódź", "a/s", "-", "sp. z o.o.", "@", "+49 30", "acme.example", ".", "ﬀ", "İ", "ǅ", "ae", "ouee"]
    ),
    max_size=6,
).map(" ".join)  # fmt: skip
TEXT = ANY | PIECES
PERSON = st.builds(
    Person,
    name=TEXT | st.sampled_from(["Hanna Vogel", "Vogel, Hanna", "Dr. Hanna Vogel"]),
    emails=st.lists(
        st.sampled_from(
            [
                "",
                "h@acme.com",
                "H@ACME.com ",
                "hanna@acme.de",
                "hanna@acme.com",
                "hanna@gmail.com",
                "info@acme.de",
            ]
        ),
        max_size=3,
    ).map(tuple),
    phone=st.sampled_from(["", "+49 30 1234567", "030 1234567", "112"]),
    company=st.sampled_from(["", "Acme", "ACME GmbH", "Acme, Inc.", "Brightmoor"]),
)


class TestNormalForms:
    @given(TEXT)
    def test_making_a_key_twice_changes_nothing(self, text: str) -> None:
        for normal in (fold, name_key, company_key, normal_email, normal_phone, normal_domain):
            once = normal(text)
            assert normal(once) == once, normal.__name__

    @given(TEXT)
    def test_case_and_blanks_around_do_not_matter(self, text: str) -> None:
        for normal in (name_key, company_key):
            assert normal(f"  {text} ") == normal(text)
        assert name_key(text.swapcase().swapcase()) == name_key(text.swapcase())

    @pytest.mark.parametrize(
        "written",
        ["Hanna Vogel", "hanna VOGEL", "Vogel, Hanna", "Dr. Hanna Vogel", "Prof. Dr. Vogel, Hanna", "Hánna  Vögel",
         "Frau Hanna M. Vogel", "VOGEL Hanna"],
    )  # fmt: skip
    def test_a_name_in_any_order_with_any_title_is_one_name(self, written: str) -> None:
        assert name_key(written) == name_key("Hanna Vogel")

    @pytest.mark.parametrize(
        "written", ["Jürgen Müller", "Juergen Mueller", "Jurgen Muller", "JÜRGEN MÜLLER"]
    )
    def test_umlauts_read_the_same_however_they_are_written(self, written: str) -> None:
        assert name_key(written) == name_key("Jürgen Müller")

    @pytest.mark.parametrize(
        "written",
        ["Brightmoor", "Brightmoor GmbH", "BRIGHTMOOR GmbH & Co. KG", "Brightmoor, Inc.", "Brightmoor Ltd.",
         "The Brightmoor Company", "Brightmoor S.A.", "Brightmoor sp. z o.o.", "Brightmoor A/S", "Brightmoor d.o.o.",
         "Brightmoor B.V."],
    )  # fmt: skip
    def test_a_company_is_one_whatever_its_legal_form(self, written: str) -> None:
        assert company_key(written) == "brightmoor"

    @pytest.mark.parametrize("written", ["AG", "Co", "The Ltd", "S.A."])
    def test_a_company_called_like_a_legal_form_keeps_its_name(self, written: str) -> None:
        assert company_key(written)

    @pytest.mark.parametrize(
        ("one", "other"),
        [("Hanna Vogel", "Hanna Haas"), ("Hanna Vogel", "Hanno Vogel"), ("Hanna", "Hanna Vogel")],
    )
    def test_other_people_have_other_names(self, one: str, other: str) -> None:
        assert name_key(one) != name_key(other)

    def test_an_address_keeps_its_plus_tag(self) -> None:
        assert normal_email(" Hanna+Fair@Acme.Example ") == "hanna+fair@acme.example"
        assert normal_email("hanna+fair@acme.example") != normal_email("hanna@acme.example")

    @pytest.mark.parametrize("text", ["", "hanna", "@acme.example", "hanna@", "hanna vogel@acme.example"])
    def test_what_is_no_address_is_none(self, text: str) -> None:
        assert normal_email(text) == ""

    @pytest.mark.parametrize(
        "written",
        [
            "+49 30 1234567",
            "0049 (0)30 / 123 45 67",
            "030 1234567",
            "(030) 123-4567 ext. 12",
            "030 1234567 x 9",
        ],
    )
    def test_a_number_is_one_with_and_without_its_country(self, written: str) -> None:
        assert normal_phone(written) == "301234567"

    @pytest.mark.parametrize("written", ["", "112", "n/a", "ext. 4451234"])
    def test_a_remnant_of_a_number_names_nobody(self, written: str) -> None:
        assert normal_phone(written) == ""

    @pytest.mark.parametrize(
        "written", ["acme.example", "WWW.acme.example", "https://www.acme.example/de", "hanna@acme.example"]
    )
    def test_a_domain_is_read_from_what_people_paste(self, written: str) -> None:
        assert normal_domain(written) == "acme.example"

    def test_free_mail_says_nothing_about_a_company(self) -> None:
        assert company_domain("hanna@gmail.com") == ""
        assert company_domain("Hanna@Acme.example") == "acme.example"
        assert address_key("hanna@gmail.com") == address_key("info@acme.de") == ""
        assert address_key("hanna@acme.co.uk") == address_key("hanna@acme.de") == "hanna@acme"


class TestLikeness:
    @given(PERSON, PERSON)
    def test_asks_both_ways_alike(self, one: Person, other: Person) -> None:
        assert compare(one, other) == compare(other, one)

    @given(PERSON)
    def test_everybody_with_an_address_is_oneself(self, one: Person) -> None:
        if any(normal_email(email) for email in one.emails):
            assert compare(one, one).likeness is Likeness.SAME

    @pytest.mark.parametrize(
        ("one", "other", "expected"),
        [
            (Person(emails=("h@acme.com",)), Person(emails=(" H@ACME.com",)), Likeness.SAME),
            (Person("Hanna Vogel", ("h@acme.com",)), Person("Vogel, Hanna", ("hv@acme.com",)), Likeness.SAME),
            (Person("Hanna Vogel", ("h@acme.com",)), Person("Hanna Haas", ("hv@acme.com",)), Likeness.NONE),
            (Person("Hanna", ("h@acme.com",)), Person("Hanna", ("hv@acme.com",)), Likeness.NONE),
            (Person("Hanna Vogel", ("h@gmail.com",)), Person("Hanna Vogel", ("v@gmail.com",)), Likeness.NONE),
            (
                Person("Hanna Vogel", company="Acme GmbH"),
                Person("Dr. Hanna Vogel", ("h@acme.com",), company="ACME"),
                Likeness.SAME,
            ),
            (
                Person("Hanna Vogel", ("h@acme.de",), company="Acme GmbH"),
                Person("Hanna Vogel", ("hv@acme.com",), company="ACME"),
                Likeness.MAYBE,
            ),
            (Person("Hanna", phone="+49 30 1234567"), Person("Otto", phone="030 1234567"), Likeness.MAYBE),
            (Person(emails=("hanna@acme.de",)), Person(emails=("hanna@acme.com",)), Likeness.MAYBE),
            (Person(emails=("info@acme.de",)), Person(emails=("info@acme.com",)), Likeness.NONE),
            (Person("Hanna Vogel"), Person("Hanna Vogel"), Likeness.NONE),
        ],
    )
    def test_says_how_sure_it_is(self, one: Person, other: Person, expected: Likeness) -> None:
        assert compare(one, other).likeness is expected

    def test_an_address_known_besides_counts_like_the_first(self) -> None:
        known = Person("Hanna Vogel", ("h@acme.com", "hanna@private.example"))
        assert compare(known, Person(emails=("hanna@private.example",))).likeness is Likeness.SAME


class TestSuppression:
    def test_a_company_closed_is_closed_with_its_subdomains(self) -> None:
        names = Contact(emails=("Hanna@de.acme.example",), phones=("+49 30 1234567",)).names
        assert ("domain", "acme.example") in names
        assert ("domain", "de.acme.example") in names
        assert ("email", "hanna@de.acme.example") in names
        assert ("phone", "301234567") in names

    def test_every_channel_wins_over_one(self) -> None:
        assert closed_by(["call", ""]).everything
        assert not closed_by(["call"]).everything
        assert closed_by(["call"]).channels == ("call",)
        assert not closed_by([])
