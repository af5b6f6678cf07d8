"""Invented companies and the people in them, from several countries. Nobody here is real."""

import unicodedata
from dataclasses import dataclass
from functools import cache

from apps.portal.demo.chance import Chance


@dataclass(frozen=True)
class Country:
    """Where a company sits: its cities, time zone, legal forms, dialling code, first and last names."""

    zone: str
    dial: str
    cities: tuple[str, ...]
    forms: tuple[str, ...]
    first: tuple[str, ...]
    last: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


COUNTRIES = {
    "de": Country(
        "Europe/Berlin", "+49", _words("Hamburg Leipzig München Köln Bremen Nürnberg Kassel Ulm Rostock"),
        ("GmbH", "AG", "KG", ""),
        _words("Hanna Otto Katrin Jürgen Ines Falk Birgit Matthias Greta Holger Silke Arne Petra Volker Jana"),
        _words("Vogel Haas Brandner Kessel Wiegand Ostmann Rathke Seidel Lorch Tiedemann Ahlers Grothe Pohlmann"),
    ),
    "nl": Country(
        "Europe/Amsterdam", "+31", _words("Utrecht Eindhoven Rotterdam Zwolle Breda Groningen Haarlem"),
        ("BV", "NV", ""),
        _words("Henk Marijke Joost Anneke Sjoerd Femke Ruben Lotte Wouter Saskia Daan Ilse"),
        _words("Smit Verhagen Dijkgraaf Kuiper Mulderink Terpstra Hoekstra Schipper Wijnands Brouwers Oudekerk"),
    ),
    "se": Country(
        "Europe/Stockholm", "+46", _words("Göteborg Malmö Uppsala Örebro Västerås Lund"), ("AB", ""),
        _words("Astrid Gustav Ebba Nils Sigrid Oskar Linnea Torsten Karin Viktor"),
        _words("Sandelin Ekwall Norrby Hallgren Åkerby Wikander Dahlbom Sjölund Forsell Lagerby"),
    ),
    "fi": Country(
        "Europe/Helsinki", "+358", _words("Tampere Turku Oulu Espoo Lahti"), ("Oy", "Oyj"),
        _words("Aino Pekka Sanna Mikael Eeva Jarkko Tiina Olli Riikka Heikki"),
        _words("Korhela Mäkipää Rantala Savolin Harjunen Lehtovaara Niskala Virtakoski"),
    ),
    "fr": Country(
        "Europe/Paris", "+33", _words("Lyon Lille Nantes Toulouse Grenoble Rennes"), ("SAS", "SA", ""),
        _words("Élodie Bastien Margaux Thierry Solène Yannick Clémence Gilles Aurore Fabrice"),
        _words("Marchandeau Vasseur Rouvière Delcourt Blanchet Perrichon Lacombe Tissier Fontanel"),
    ),
    "es": Country(
        "Europe/Madrid", "+34", _words("Valencia Zaragoza Bilbao Sevilla Vigo Málaga"), ("SL", "SA", ""),
        _words("Lucía Iker Marta Gonzalo Nerea Álvaro Pilar Hugo Rocío Esteban"),
        _words("Ferrandis Olabarria Montalvo Quintero Beltrán Soriano Carrasco Aldana Vidales"),
    ),
    "pt": Country(
        "Europe/Lisbon", "+351", _words("Porto Braga Coimbra Aveiro Setúbal"), ("Lda", "SA"),
        _words("Beatriz Nuno Inês Tiago Carla Rui Sofia Duarte Leonor Vasco"),
        _words("Almadinha Pires Teixeiro Carvalhal Monteiro Sequeira Lobato Farinha"),
    ),
    "it": Country(
        "Europe/Rome", "+39", _words("Torino Bologna Verona Bergamo Modena Trieste"), ("Srl", "SpA", ""),
        _words("Chiara Matteo Giulia Lorenzo Elisa Davide Paola Simone Marta Renato"),
        _words("Ferrante Bellandi Grassetti Moroni Pasquale Vianello Corsini Tedeschi Rinaldo"),
    ),
    "pl": Country(
        "Europe/Warsaw", "+48", _words("Wrocław Gdańsk Poznań Łódź Kraków Lublin"), ("sp. z o.o.", "SA"),
        _words("Agnieszka Tomasz Magda Paweł Ewa Krzysztof Joanna Marek Zofia Bartosz"),
        _words("Wolnicka Sobczyński Karczewski Lisowska Jaworek Zielecki Nowacka Bielski"),
    ),
    "gb": Country(
        "Europe/London", "+44", _words("Leeds Bristol Manchester Glasgow Reading Sheffield Cardiff"), ("Ltd", "plc"),
        _words("Imogen Callum Priya Declan Harriet Owen Fiona Rashid Beth Alistair Nkechi Rhys"),
        _words("Hargrave Pemberley Okonjo Whitlock Sandhurst Trelawney Mistry Cartmell Ashdown Fairbairn"),
    ),
    "us": Country(
        "America/New_York", "+1", ("Columbus", "Pittsburgh", "Raleigh", "Hartford", "Albany", "Richmond"),
        ("Inc", "LLC"),
        _words("Marcus Denise Tyler Renata Calvin Joanne Desmond Paige Curtis Yolanda"),
        _words("Whitcombe Delacroix Farnham Osgood Ridley Haverford Castellan Broome Prewitt"),
    ),
}  # fmt: skip
_COUNTRY_WEIGHTS = {
    "de": 30, "nl": 13, "se": 9, "fi": 5, "fr": 10, "es": 7, "pt": 4, "it": 6, "pl": 6, "gb": 8, "us": 2,
}  # fmt: skip

_HEADS = _words(
    "Bright Nord Alder Cor Rhein Velt Sund Ost Feld Kalk Lumen Harbour Quill Ster Mont Vale Tern Fen Copper Ash"
    " Hollow Amber Silver Elm Kestrel Lark Moor Granit Birke Polar Delta Ridge Haven Linden Marl Oak Pine Salt"
    " Thorn Umber Wind Ziegel Brand Carden Dorn Eisen Fjord Glen Hasel Isar Juno Karst Lode Maas Nagel Opal Pfeil"
)
_TAILS = _words(
    "moor vane line strom berg hall wick feld mark bruck stad haven water gate ford brook field ton dale werk"
    " crest port land stein gard vik holm wood mere borg cliff shore path"
)
_TRADES = {
    "Logistics": ("Logistics", "Freight", "Spedition", "Transport", "Cargo", "Warehousing"),
    "Manufacturing": (
        "Instruments",
        "Pumpen",
        "Papier",
        "Castings",
        "Maschinenbau",
        "Plastics",
        "Tools",
        "Glas",
    ),
    "Healthcare": ("Kliniken", "Diagnostics", "Medical", "Care", "Pharma", "Dental"),
    "Retail": ("Retail", "Stores", "Optik", "Outdoor", "Home", "Markets"),
    "Energy": ("Energy", "Solar", "Netz", "Windkraft", "Power", "Heating"),
    "Software": ("Systems", "Software", "Data", "Labs", "Cloud", "Apps"),
    "Construction": ("Bau", "Construction", "Roofing", "Concrete"),
    "Education": ("Academy", "Learning", "Institute"),
    "Media": ("Media", "Studios", "Press"),
    "Hospitality": ("Hotels", "Catering", "Resorts"),
}
_INDUSTRY_WEIGHTS = {
    "Logistics": 20, "Manufacturing": 22, "Healthcare": 15, "Retail": 14, "Energy": 10, "Software": 12,
    "Construction": 3, "Education": 2, "Media": 2, "Hospitality": 2,
}  # fmt: skip

_TITLES = {
    "Chief Operating Officer": 7, "Chief Financial Officer": 5, "CIO": 4, "Founder": 4, "VP Operations": 6,
    "VP Sales": 5, "Head of Procurement": 5, "Head of IT": 6, "Head of Customer Service": 4,
    "Director of Supply Chain": 4, "Sales Director": 4, "Director of Finance": 3, "Operations Manager": 11,
    "IT Manager": 10, "Purchasing Manager": 9, "Marketing Manager": 5, "Controller": 8, "Project Lead": 8,
    "Office Administrator": 6, "Analyst": 9, "Working student": 2,
}  # fmt: skip


@dataclass(frozen=True)
class Company:
    """Facts about an invented company."""

    name: str
    domain: str
    industry: str
    employees: int
    city: str
    country: str

    @property
    def zone(self) -> str:
        return COUNTRIES[self.country].zone


@dataclass(frozen=True)
class Person:
    """Somebody at a company."""

    name: str
    title: str
    email: str
    phone: str


@cache
def ascii_of(text: str) -> str:
    """For addresses: ``Mäkipää`` as ``makipaa``, letters and digits only."""
    plain = unicodedata.normalize("NFKD", text.lower().replace("ß", "ss").replace("ł", "l").replace("ø", "o"))
    return "".join(letter for letter in plain if letter.isascii() and letter.isalnum())


class World:
    """Everybody outside: hands out companies and people, each domain and address once."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._domains: dict[str, int] = {}
        self._names: set[tuple[str, str]] = set()
        self._recent: list[Company] = []
        self._addresses: dict[str, int] = {}
        self._people = 0

    def company(self) -> Company:
        """A company; now and then one that was met before, where somebody else gets in touch."""
        chance = self._chance
        if self._recent and chance.happens(0.14):
            return chance.one_of(self._recent)
        code = chance.pick(_COUNTRY_WEIGHTS)
        country = COUNTRIES[code]
        industry = chance.pick(_INDUSTRY_WEIGHTS)
        head = self._name(country)
        trade, form = chance.one_of(_TRADES[industry]), chance.one_of(country.forms)
        stem = ascii_of(head + (trade if chance.happens(0.3) or len(head) < 7 else ""))
        number = self._domains[stem] = self._domains.get(stem, 0) + 1
        city = chance.one_of(country.cities)
        # A second company of the same name says where it is.
        place = city if (head, trade) in self._names else ""
        self._names.add((head, trade))
        company = Company(
            name=" ".join(filter(None, (head, trade, place, form))),
            domain=f"{stem}{number if number > 1 else ''}.example",
            industry=industry,
            employees=min(24_000, max(4, round(chance.about(130, 1.5)))),
            city=city,
            country=code,
        )
        self._recent.append(company)
        if len(self._recent) > 600:
            del self._recent[:200]
        return company

    def _name(self, country: Country) -> str:
        """``Brightmoor``, and now and then a family's name: ``Wiegand``, ``Smit & Terpstra``."""
        chance = self._chance
        if chance.happens(0.68):
            return chance.one_of(_HEADS) + chance.one_of(_TAILS)
        family = chance.one_of(country.last)
        partner = chance.one_of(country.last)
        return f"{family} & {partner}" if partner != family and chance.happens(0.4) else family

    def person(self, company: Company) -> Person:
        chance, country = self._chance, COUNTRIES[company.country]
        first, last = chance.one_of(country.first), chance.one_of(country.last)
        address = f"{ascii_of(first)}.{ascii_of(last)}@{company.domain}"
        number = self._addresses[address] = self._addresses.get(address, 0) + 1
        if number > 1:
            address = f"{ascii_of(first)}.{ascii_of(last)}{number}@{company.domain}"
        self._people += 1
        return Person(
            name=f"{first} {last}",
            title=chance.pick(_TITLES),
            email=address,
            # 555 0… belongs to nobody, and to one person here.
            phone=f"{country.dial} 555 0{chance.randrange(1000):03d} {self._people:05d}",
        )
