"""Whom one speaks to, by the level of a title: what one says to them differs (PRODUCT section 4).

The levels are ``models.Persona``; the words that tell them apart are here, in the languages that titles of
European companies come in.
"""

from functools import lru_cache

from apps.leads.rules.keywords import Keywords

EXECUTIVE, VICE_PRESIDENT, DIRECTOR, MANAGER, SPECIALIST, UNKNOWN = range(1, 7)

# Asked in this order. A vice president is asked for before a president, whose word it contains, and an
# assistant to somebody before that somebody.
_LEVELS = (
    (SPECIALIST, ("assistant to*", "executive assistant", "personal assistant", "assistenz", "secretary")),
    (VICE_PRESIDENT, ("vp", "svp", "evp", "avp", "vice president", "vicepresident*", "head", "bereichsleit*")),
    (
        EXECUTIVE,
        (
            "chief", "ceo", "coo", "cfo", "cio", "cto", "cmo", "cro", "ciso", "cpo", "c level", "owner",
            "founder", "cofounder", "president", "managing director", "general manager", "partner", "chair*",
            "geschäftsführ*", "vorstand*", "inhaber*", "gérant*", "pdg", "directeur général",
            "directrice générale", "director general", "gerente general", "consejero delegado",
        ),
    ),
    (DIRECTOR, ("director*", "direktor*", "directeur*", "directrice*", "direttore*", "abteilungsleit*", "dir")),
    (
        MANAGER,
        (
            "manager*", "mgr", "lead", "leader", "supervisor*", "leiter*", "leitung", "responsable*",
            "gerente*", "teamleit*", "principal",
        ),
    ),
)  # fmt: skip
_ROWS = tuple(Keywords(words, level) for level, words in _LEVELS)


@lru_cache(maxsize=10_000)
def persona_of(title: str) -> int:
    """The level of a title, a value of ``models.Persona``: unknown without a title, a specialist's otherwise."""
    if not title.strip():
        return UNKNOWN
    return next((row.points for row in _ROWS if row.matches(title)), SPECIALIST)
