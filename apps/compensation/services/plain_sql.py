"""The two statements of PostgreSQL that make plain pay: one weighs credits, the other writes the lines of the ledger.

``services.plain_lines`` asks them. Their tables come as one array a column (``WEIGHED`` and the other three). Figures
are said as ``rules.words`` says them, and digests are those of ``selectors.control``.
"""

from apps.compensation.selectors.plain_credits import CREDITS

WEIGHED = {
    "number": "int", "rep_id": "bigint", "kind": "text", "capacity": "text", "sums": "boolean", "by_amount": "boolean",
    "starts": "text", "ends": "text", "holds": "boolean", "held_n": "bigint", "held_d": "bigint",
}  # fmt: skip
"""A component of a rep, for the arithmetic."""
WEIGHED_CELL = {"cell": "int", "number": "int", "at": "int", "share": "int", "n": "bigint", "d": "bigint"}
"""A band of a component and a share."""
WORDED = {
    "number": "int", "rep_id": "bigint", "statement_id": "bigint", "version_id": "bigint", "key": "text",
    "name": "text", "sums": "boolean", "currency": "text", "symbol": "text", "held_d": "bigint",
    "held_shift": "bigint", "held_places": "int", "held_power": "bigint", "held_text": "text", "held_term": "text",
    "first": "int", "held_first": "int", "head": "text", "middle": "text", "tail": "text",
}  # fmt: skip
"""A component of a rep, for the words; ``head`` and so on are what its lines have in common in a digest."""
WORDED_CELL = {
    "cell": "int", "shift": "bigint", "places": "int", "power": "bigint", "before": "text", "after": "text",
    "remark": "text", "terms": "text", "band": "text", "rate": "text",
}  # fmt: skip
_LINES = "plain_line"


def _unnested(prefix: str, columns: dict[str, str]) -> str:
    arrays = ", ".join(f"%({prefix}_{name})s::{kind}[]" for name, kind in columns.items())
    return f"SELECT * FROM unnest({arrays}) AS one({', '.join(columns)})"  # noqa: S608 - names of columns alone


def _rounded(value: str, denominator: str) -> str:
    """Half up, away from zero: ``core.money.round_half_up`` in integers."""
    return f"sign({value})::bigint * ((2 * abs({value}) + {denominator}) / (2 * {denominator}))"


# --- Weighing -------------------------------------------------------------------------------------

# Subqueries keep an OFFSET 0, or PostgreSQL would work an expression out anew wherever its name stands.
WEIGH = f"""
DROP TABLE IF EXISTS pg_temp.{_LINES};
CREATE TEMPORARY TABLE {_LINES} ON COMMIT DROP AS
WITH component AS MATERIALIZED (
    SELECT one.*, one.starts::bigint[] AS edges, one.ends::bigint[] AS reach FROM ({_unnested("m", WEIGHED)}) one
), cell AS MATERIALIZED ({_unnested("c", WEIGHED_CELL)}),
credited AS (
    SELECT m.number, m.sums, p.event_id, p.occurred_at, p.amount_minor, p.currency, p.share, p.has_deal,
           CASE WHEN m.sums THEN COALESCE(p.amount_minor, 0) * p.share ELSE p.share END AS base
    FROM {CREDITS} p JOIN component m ON m.rep_id = p.rep_id AND m.kind = p.kind AND m.capacity = p.capacity
), running AS (
    SELECT *, (row_number() OVER so_far)::int AS place, (SUM(base) OVER so_far)::bigint - base AS before
    FROM credited
    WINDOW so_far AS (PARTITION BY number ORDER BY occurred_at, event_id ROWS UNBOUNDED PRECEDING)
), placed AS (
    SELECT r.*, m.reach, m.holds, m.held_n, m.held_d,
           CASE WHEN m.by_amount THEN width_bucket(COALESCE(r.amount_minor, 0), m.edges)
                ELSE width_bucket(LEAST(r.before, r.before + r.base), m.edges) END AS at
    FROM running r JOIN component m ON m.number = r.number OFFSET 0
), found AS (
    SELECT p.*, c.cell, c.n * CASE WHEN p.sums THEN p.amount_minor ELSE 1 END AS n, c.d
    FROM placed p LEFT JOIN cell c ON c.number = p.number AND c.share = p.share AND c.at = p.at
         AND (p.at >= cardinality(p.reach) OR GREATEST(p.before, p.before + p.base) <= p.reach[p.at + 1])
         AND (p.amount_minor IS NOT NULL OR NOT p.sums)
    OFFSET 0
), paid AS (
    SELECT *, {_rounded("n", "d")} AS amount FROM found OFFSET 0
), held AS (
    SELECT *, CASE WHEN holds AND amount <> 0 THEN -amount * held_n END AS held FROM paid OFFSET 0
)
SELECT number, cell, place, event_id, occurred_at, share, amount_minor, currency, has_deal, base, before, n, d, amount,
       held, {_rounded("held", "held_d")} AS held_amount
FROM held
"""  # noqa: S608 - made of constants alone

LEFT = f"""
SELECT number, event_id, (occurred_at AT TIME ZONE %(zone)s)::date, share, amount_minor, currency, before, base, place,
       held_amount
FROM {_LINES} WHERE cell IS NULL OR (held IS NOT NULL AND has_deal) ORDER BY number, place
"""  # noqa: S608 - made of constants alone

EARNED = f"""
SELECT number, sum(amount) FROM {_LINES} WHERE number = ANY(%(numbers)s) GROUP BY number
"""  # noqa: S608 - made of constants alone


# --- Writing --------------------------------------------------------------------------------------


def _digits(value: str, places: str, power: str) -> str:
    """A number of ``power`` parts a whole, not below zero: thousands parted, two decimals at least, no zeros after."""
    head, rest = f"({value} / {power})", f"substr(({power} + {value} %% {power})::text, 2)"
    # Mostly it is below a million, and the database's own way of parting thousands takes its time.
    said = (
        f"CASE WHEN {head} < 1000 THEN {head}::text "
        f"WHEN {head} < 1000000 THEN ({head} / 1000)::text || ',' || substr((1000 + {head} %% 1000)::text, 2) "
        f"ELSE to_char({head}, 'FM9,999,999,999,999,999,999') END"
    )
    if places == "2":
        return f"{said} || '.' || {rest}"
    more = f"left({rest}, 2) || rtrim(substr({rest}, 3), '0')"
    return f"{said} || '.' || CASE WHEN {places} = 2 THEN {rest} ELSE {more} END"


def _signed(value: str, digits: str) -> str:
    return f"CASE WHEN {value} < 0 THEN '− ' ELSE '' END || symbol || {digits}"


def _money(value: str) -> str:
    """As ``core.money.in_words`` says minor units of which a hundred make a whole."""
    return _signed(value, _digits(f"abs({value})", "2", "100"))


def _exactly(value: str, of: str) -> str:
    """As ``rules.words.money`` says a fraction of a minor unit."""
    return _signed(value, _digits(f"(abs({value}) * {of}shift)", f"{of}places", f"{of}power"))


def _fraction(value: str, denominator: str) -> str:
    """As Python writes a fraction in lowest terms."""
    common = f"gcd({value}, {denominator})"
    lowest = f"({value} / {common})::text || '/' || ({denominator} / {common})::text"
    return f"CASE WHEN {value} %% {denominator} = 0 THEN ({value} / {denominator})::text ELSE {lowest} END"


def _also(amount: str, denominator: str, numerator: str) -> str:
    return f"CASE WHEN {amount} * {denominator} = {numerator} THEN '' ELSE ', rounded to ' || {_money(amount)} END"


# ``control.digests`` in one go with the writing: each is the first line of its source, and of the run's own period.
# What lines of a component have in common comes put together: joining forty small texts for each takes its time.
_DIGEST = "encode(sha256(convert_to(string_agg(said, ''), 'UTF8')), 'hex')"
_NEXT = r"E'\x1f'"
_SAID = " || ".join(
    (
        "head", "source", r"E'\x1f1\x1f'", "kind", _NEXT, "amount", _NEXT, "amount", "middle",
        "COALESCE(base_minor::text, '')", _NEXT, "share", _NEXT, "COALESCE(place::text, '')", _NEXT, "band", _NEXT,
        "rate", _NEXT, "exact", _NEXT, "formula", r"E'\x1f\x1f\x1f'", "COALESCE(event_id::text, '')", "tail",
    )
)  # fmt: skip

WRITE = f"""
WITH component AS MATERIALIZED ({_unnested("m", WORDED)}), cell AS MATERIALIZED ({_unnested("c", WORDED_CELL)}),
line AS MATERIALIZED (
    SELECT m.rep_id, m.statement_id, m.version_id, m.key, m.name, 'earning' AS kind, l.event_id,
           'event:' || l.event_id AS source, l.amount, m.currency,
           CASE WHEN m.sums THEN l.amount_minor END AS base_minor, l.share, l.place, c.band, c.rate,
           {_fraction("l.n", "l.d")} AS exact,
           c.before || CASE WHEN m.sums THEN {_money("l.amount_minor")} ELSE '' END || c.after || ' = '
             || {_exactly("l.n", "c.")} || {_also("l.amount", "l.d", "l.n")} || c.remark AS formula,
           ('[["' || CASE WHEN m.sums THEN l.amount_minor || '","' ELSE '' END || c.terms || '"]]')::jsonb AS terms,
           '[]'::jsonb AS parts, m.first + l.place AS turn, m.head, m.middle, m.tail
    FROM {_LINES} l JOIN component m ON m.number = l.number JOIN cell c ON c.cell = l.cell
    UNION ALL
    SELECT m.rep_id, m.statement_id, m.version_id, m.key, m.name, 'holdback', l.event_id,
           'holdback:event:' || l.event_id, l.held_amount, m.currency, NULL, 0, NULL, '', '',
           {_fraction("l.held", "m.held_d")},
           '− (' || {_money("l.amount")} || ') × ' || m.held_text || ' held back = '
             || {_exactly("l.held", "m.held_")} || {_also("l.held_amount", "m.held_d", "l.held")},
           ('[["' || -l.amount || '","' || m.held_term || '"]]')::jsonb, '[]', m.held_first + l.place,
           m.head, m.middle, m.tail
    FROM {_LINES} l JOIN component m ON m.number = l.number WHERE l.held IS NOT NULL
    UNION ALL
    SELECT rep_id, statement_id, plan_version_id, component_key, component_name, kind, event_id, source_key,
           amount_minor, currency, base_minor, share, place, band, rate, exact, formula, terms, parts, id,
           other->>'head', other->>'middle', other->>'tail'
    FROM json_array_elements(%(others)s::json) other, json_populate_record(NULL::compensation_ledgerentry, other)
), written AS (
    INSERT INTO compensation_ledgerentry (
        run_id, statement_id, rep_id, plan_version_id, component_key, component_name, kind, event_id, source_key,
        sequence, starts_on, ends_on, amount_minor, earned_minor, currency, base_minor, share, place, band, rate, exact,
        formula, cause, cause_event_id, posted_at, parts, terms, conversion)
    SELECT %(run)s, statement_id, rep_id, version_id, key, name, kind, event_id, source, 1, %(starts_on)s, %(ends_on)s,
           amount, amount, currency, base_minor, share, place, band, rate, exact, formula, '', NULL, %(as_of)s, parts,
           terms, NULL
    FROM line ORDER BY turn
)
SELECT statement_id, sum(amount)::bigint, count(*), {_DIGEST} FROM (
    SELECT statement_id, amount, {_SAID} AS said FROM line
    ORDER BY statement_id, key COLLATE "C", source COLLATE "C"
) one GROUP BY statement_id
"""  # noqa: S608 - made of constants alone
