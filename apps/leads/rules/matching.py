"""Whether two leads are one person: surely, perhaps, or not (PRODUCT section 4, intake; section 11).

Surely: the same address; the same company domain and the same full name; the same company and full name where
one of the two has no address. Perhaps: the same number; the same full name and company under two domains; the
same mailbox name at two domains of one organisation. What is perhaps is for a person to settle.

Every key here is a normal form: making it twice changes nothing, and it depends on nothing but the text. So
likeness is symmetric by construction.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from apps.leads.rules.free_mail import FREE_MAIL
from apps.leads.rules.suppression import domain_of, normal_email, normal_phone

_TITLES = frozenset(
    "dr prof professor doctor mr mrs ms mx miss sir dame herr frau hr hrn mme mlle monsieur madame dott sig sra dipl"
    " diplom ing mag phd mba msc bsc md llm cpa esq".split()
)
_LEGAL_FORMS = frozenset(
    "gmbh mbh ggmbh ag kg kgaa ohg gbr ug ev ek eg se inc incorporated ltd limited llc llp lp plc corp corporation co"
    " company sa sas sasu sarl eurl srl spa sapa snc bv nv vof cv oy oyj ab as asa aps ivs ks sl slu lda sgps"
    " kft zrt nyrt bt sro doo dd ood eood spzoo pty pte pvt pjsc jsc ooo oao zao kk gk sdnbhd bhd ltda eireli"
    " cie ltee haftungsbeschrankt".split()
)
_LONG_FORMS = (("sp", "z", "oo"), ("sp", "zoo"), ("sdn", "bhd"))
_ROLES = frozenset(
    "info sales office contact kontakt mail hello hallo service support admin marketing hr jobs team post welcome"
    " einkauf purchasing billing accounting invoice noreply no-reply webmaster press presse vertrieb zentrale"
    " reception empfang bestellung order orders help enquiries anfrage contacto contato info1".split()
)
_SECOND_LEVEL = frozenset("co com org net ac gov edu or ne gob".split())
_LETTERS = str.maketrans({"ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ß": "ss", "æ": "ae", "ø": "o",
                          "œ": "oe"})  # fmt: skip


@lru_cache(maxsize=50_000)
def fold(text: str) -> str:
    """Lower case, no accents; ``Müller``, ``Mueller`` and ``Muller`` read the same."""
    # Casefolding may make letters that decompose again: once more until nothing changes.
    while True:
        plain = unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS)
        plain = "".join(one for one in plain if not unicodedata.combining(one))
        plain = re.sub(r"([aou])e+", r"\1", plain)
        if plain == text:
            return plain
        text = plain


def _tokens(text: str) -> list[str]:
    joined = re.sub(r"['’`´]", "", fold(text))
    # A dotted abbreviation is one word: "S.A.", "d.o.o."
    joined = re.sub(r"\b(\w)\.(?=\w\b)", r"\1", joined)
    return re.findall(r"[^\W_]+", joined)


@lru_cache(maxsize=50_000)
def name_key(name: str) -> str:
    """A person's name whatever its order, case, accents, titles and middle initials: ``hanna vogel``."""
    tokens = [token for token in _tokens(name) if token not in _TITLES] or _tokens(name)
    longer = [token for token in tokens if len(token) > 1]
    return " ".join(sorted(longer if len(longer) > 1 else tokens))


def is_full_name(key: str) -> bool:
    """Whether a ``name_key`` has a first and a last name: a first name alone tells nobody apart."""
    return " " in key


@lru_cache(maxsize=50_000)
def company_key(company: str) -> str:
    """A company's name without its legal form: ``Brightmoor GmbH & Co. KG`` as ``brightmoor``."""
    tokens = _joined_letters([word for word in _tokens(company) if word != "and"])
    while len(tokens) > 1 and tokens[0] == "the":
        tokens = tokens[1:]
    while len(tokens) > 1:
        if tokens[-1] in _LEGAL_FORMS:
            tokens = tokens[:-1]
        elif length := next((len(form) for form in _LONG_FORMS if _ends(tokens, form)), 0):
            tokens = tokens[:-length]
        else:
            break
    return " ".join(tokens)


def _ends(tokens: list[str], form: tuple[str, ...]) -> bool:
    return len(tokens) > len(form) and tuple(tokens[-len(form) :]) == form


def _joined_letters(tokens: list[str]) -> list[str]:
    """Letters that stand alone in a row are one abbreviation: ``S A R L`` as ``sarl``."""
    found: list[str] = []
    run = ""
    for token in tokens:
        if len(token) == 1:
            run += token
            continue
        if run:
            found.append(run)
            run = ""
        found.append(token)
    return [*found, run] if run else found


def company_domain(email: str) -> str:
    """The domain of an address where it names a company; "" for free mail."""
    domain = domain_of(email)
    return "" if domain in FREE_MAIL else domain


@lru_cache(maxsize=50_000)
def address_key(email: str) -> str:
    """The mailbox at an organisation whatever its country domain: ``hanna.vogel@acme``.

    "" for free mail and for a mailbox that no single person has (info@, sales@).
    """
    local, _, _ = normal_email(email).rpartition("@")
    domain = company_domain(email)
    if not domain or local in _ROLES:
        return ""
    labels = domain.split(".")[:-1]
    if len(labels) > 1 and labels[-1] in _SECOND_LEVEL:
        labels = labels[:-1]
    return f"{local}@{labels[-1]}"


@dataclass(frozen=True)
class Person:
    """What two leads are compared by. ``emails`` are all that are known of them."""

    name: str = ""
    emails: tuple[str, ...] = ()
    phone: str = ""
    company: str = ""


class Likeness(StrEnum):
    """How sure it is that two are one."""

    SAME = "same"
    MAYBE = "maybe"
    NONE = "none"


@dataclass(frozen=True)
class Verdict:
    """``why`` in a few words, "" where there is no likeness."""

    likeness: Likeness
    why: str = ""
    same_person_likely: bool = False
    """Perhaps, yet too likely to contact one of them where the other has opted out."""


DIFFERENT = Verdict(Likeness.NONE)


def compare(first: Person, second: Person) -> Verdict:
    """Whether two are one person; the order of the two does not matter."""
    emails = [{normal_email(one) for one in person.emails} - {""} for person in (first, second)]
    if emails[0] & emails[1]:
        return Verdict(Likeness.SAME, "Same e-mail address")
    names = [name_key(person.name) for person in (first, second)]
    same_name = names[0] == names[1] and is_full_name(names[0])
    domains = [{company_domain(one) for one in found} - {""} for found in emails]
    if same_name and domains[0] & domains[1]:
        return Verdict(Likeness.SAME, "Same name at the same domain")
    companies = [company_key(person.company) for person in (first, second)]
    same_company = companies[0] == companies[1] and bool(companies[0])
    if same_name and same_company:
        if not emails[0] or not emails[1]:
            return Verdict(Likeness.SAME, "Same name at the same company")
        return Verdict(Likeness.MAYBE, "Same name and company, another address", True)
    return _weak(first, second, emails)


def _weak(first: Person, second: Person, emails: list[set[str]]) -> Verdict:
    phone = normal_phone(first.phone)
    if phone and phone == normal_phone(second.phone):
        return Verdict(Likeness.MAYBE, "Same phone number")
    keys = [{address_key(one) for one in found} - {""} for found in emails]
    if keys[0] & keys[1]:
        return Verdict(Likeness.MAYBE, "Same mailbox at another domain of the company")
    return DIFFERENT
