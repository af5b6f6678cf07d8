"""What people say and write: evidence, notes, comments, reasons. Sentences with slots, filled by chance."""

from collections.abc import Mapping

from apps.leads.services.qualifications import Answer
from apps.portal.demo.chance import Chance
from apps.portal.demo.companies import Company, Person

_PAINS = {
    "Logistics": (
        "routes are planned in three spreadsheets",
        "drivers wait forty minutes at the gate",
        "customers ring to ask where a pallet is",
        "return freight is billed by hand",
    ),
    "Manufacturing": (
        "quotes take nine days to leave the house",
        "spare parts orders come by fax and e-mail",
        "two plants keep two price lists",
        "the night shift cannot see what was promised",
    ),
    "Healthcare": (
        "referrals get lost between two systems",
        "wards order from four catalogues",
        "patients wait on the phone for a date",
        "nobody sees open invoices by clinic",
    ),
    "Retail": (
        "stock counts are a day old",
        "store managers write orders on paper",
        "returns from the web shop take two weeks",
        "promotions start late in half of the stores",
    ),
    "Energy": (
        "field visits are planned a week behind",
        "meter faults are reported twice",
        "tenders are answered from old templates",
        "installers cannot see the warehouse",
    ),
    "Software": (
        "trials are followed up by whoever has time",
        "renewals come as a surprise",
        "support tickets do not reach the account owner",
        "usage data sits with engineering only",
    ),
}
_OTHER_PAINS = (
    "enquiries sit in a shared mailbox",
    "nobody knows which offer is the latest",
    "the seasonal rush is staffed by guess",
    "reports are put together by hand each Monday",
)
_TOOLS = (
    "a spreadsheet",
    "an old in-house tool",
    "two tools that do not talk",
    "their ERP's add-on",
    "a shared mailbox",
)
_BOSSES = (
    "the CFO",
    "the managing director",
    "the board",
    "the head of operations",
    "the owner",
    "the purchasing committee",
)
_SEASONS = (
    "before the summer",
    "by the end of the quarter",
    "in the autumn",
    "before the audit",
    "for the new fiscal year",
    "before the second site opens",
    "when the old contract ends",
)
_MONTHS = ("January", "March", "April", "June", "September", "October", "November")
_WHERE = (
    "On the call",
    "In the first call",
    "By e-mail after the call",
    "On the second call",
    "In the chat, then by phone",
)

_MET = {
    "budget": (
        (
            "€{amount}k set aside for this year",
            "“We have {amount} thousand in the plan, {boss} signed it off.”",
        ),
        ("Approved line, €{amount}k", "Sent the approved budget sheet; the line reads {amount},000."),
        ("€{amount}k, from the {tool_owner} budget", "“It replaces {tool}, so the money is there already.”"),
        ("Up to €{amount}k without another round", "“Below {amount} thousand I need no further signature.”"),
    ),
    "authority": (
        ("{person} signs, with {boss}", "“I decide, {boss} countersigns.”"),
        (
            "{person} signs alone up to €{amount}k",
            "Has bought {tool_owner} software before, named the last contract.",
        ),
        ("{boss_upper} signs; joins the meeting", "Accepted the invitation for both, wrote so by e-mail."),
        ("{person} runs the selection", "“Procurement checks the terms, the choice is mine.”"),
    ),
    "need": (
        ("Today {pain}", "“{pain_upper}, and {boss} has had enough of it.”"),
        ("{count} people affected: {pain}", "Walked me through a normal day; {pain}."),
        ("Wants to replace {tool}", "“We lost a customer over it in {month}.”"),
        ("{pain_upper}", "Asked for exactly this on the form, and named two cases from last week."),
    ),
    "timeframe": (
        ("Decision in {month}, live {season}", "“We want to be live {season}, so we decide in {month}.”"),
        ("Signs within {weeks} weeks", "Project start is in their calendar, {weeks} weeks from now."),
        ("Old contract ends in {month}", "Notice is given already; sent the letter."),
        ("Live {season}", "“If it is not running {season}, we lose another year.”"),
    ),
}
_PARTLY = {
    "budget": (
        ("Range named, not approved", "“Somewhere around {amount} thousand, I would have to ask.”"),
        ("Money is there, no line yet", "“We find it if the case is good.”"),
    ),
    "authority": (
        ("{boss_upper} decides, not met yet", "“I prepare it, {boss} signs.”"),
        ("Decides together with {boss}", "Will bring a colleague; not yet named."),
    ),
    "need": (
        ("Interested, no case yet", "“We look at this every year.”"),
        ("{pain_upper}, but they live with it", "“It is annoying, not urgent.”"),
    ),
    "timeframe": (
        ("This year, no date", "“Not before {month}, I think.”"),
        ("Depends on another project", "“After the ERP change, whenever that is.”"),
    ),
}
_NOT_MET = {
    "budget": (("Nothing planned", "“There is no money for this before next year.”"),),
    "authority": (("Could not say who signs", ""), ("A student project", "“I am only collecting offers.”")),
    "need": (("No problem named", "Wanted the price list, nothing more."),),
    "timeframe": (("Just looking", "“Some day.”"), ("Not before next year", "“Call again in spring.”")),
}

_DETAILS = (
    " Said so again when asked a second time.",
    " {count} people work with it every day.",
    " {boss_upper} was on the call for ten minutes.",
    " Today they use {tool}.",
    " Checked against the notes of {month}.",
    " A colleague from {tool_owner} confirmed it in the chat.",
    " Wants two references from {industry}.",
    " {city} goes first, the other sites follow.",
    " Sent the figures for {month} unasked.",
    " Has been looking for {weeks} weeks.",
    " Was put off in {month}, is serious now.",
    " {count} licences in the first step.",
)
"""What is added now and then, so that no two hand-offs read alike."""

_SAID: Mapping[str, Mapping[str, tuple[tuple[str, str], ...]]] = {
    "met": _MET,
    "partly": _PARTLY,
    "not_met": _NOT_MET,
}

_NOTES = {
    "connected": (
        "Open and friendly, knows the product from a colleague.",
        "Short on time, wants facts.",
        "Asked about prices twice.",
        "Compares us with one other vendor.",
        "Wants to see it with own data.",
    ),
    "voicemail": (
        "Left name and number.",
        "Second message, kept short.",
        "Mentioned the form from this week.",
    ),
    "no_answer": ("Rang out.", "Engaged, then no answer.", "Reception closed."),
    "gatekeeper": (
        "Assistant asks for an e-mail first.",
        "Reception: in a meeting until three.",
        "Put through, then cut off.",
    ),
    "call_back": (
        "In a meeting, asked for a call later.",
        "On the road, call when back.",
        "Wants a colleague on the call.",
    ),
    "bad_contact": ("Number belongs to the canteen.", "Mail bounced.", "Left the company in spring."),
    "not_a_fit": (
        "Private person.",
        "Looks for a job.",
        "Far too small, and knows it.",
        "A competitor, looking around.",
    ),
    "not_now": (
        "Budget frozen until the new year.",
        "Merger under way, nothing moves.",
        "Signed elsewhere in spring.",
    ),
    "opt_out": ("Does not want to be contacted again.", "Asked to be taken off every list."),
    "sent": (
        "Case from the same industry.",
        "Two questions, no brochure.",
        "Followed up on the voicemail.",
        "Link to the calculator.",
    ),
}

_REJECTIONS = {
    "unsupported": (
        "Evidence does not carry the answer on {criterion}: that was said about another project.",
        "On {criterion} there is only a guess. Happy to take it once it is confirmed.",
        "Read the notes twice, {criterion} is not there.",
    ),
    "wrong_person": (
        "{criterion_upper} was asked of somebody who cannot know it; the head of the team was on copy.",
        "Spoke to the assistant only. Please get the person who decides on the call.",
    ),
    "too_far_out": (
        "They start after next year's budget round. Recycle, and I take it gladly then.",
        "Go-live is more than a year away, nothing to do for us before.",
    ),
    "duplicate": (
        "We have an open opportunity with their parent company.",
        "Same company, same project: a colleague of theirs is with us already.",
    ),
    "other": (
        "Outside what we can deliver: they need it on their own servers.",
        "They asked for a reseller price. Partner team, please.",
    ),
}
_TAKE_BACKS = (
    "Contract cancelled within the fourteen days they had",
    "Signed by somebody who may not sign; their board declined",
    "Entered as won by mistake: the order was for a pilot only",
    "Customer withdrew after their parent company bought elsewhere",
)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _slots(chance: Chance, company: Company, person: Person, amount: int) -> dict[str, object]:
    """What fills the slots of the sentences on one criterion, so that they speak of the same things."""
    pain = chance.one_of(_PAINS.get(company.industry, _OTHER_PAINS))
    boss = chance.one_of(_BOSSES)
    return {
        "amount": amount,
        "boss": boss,
        "boss_upper": boss[0].upper() + boss[1:],
        "count": chance.choice((6, 8, 12, 15, 20, 30, 45, 60)),
        "month": chance.one_of(_MONTHS),
        "pain": pain,
        "pain_upper": pain[0].upper() + pain[1:],
        "person": person.name,
        "industry": company.industry.lower(),
        "city": company.city,
        "season": chance.one_of(_SEASONS),
        "tool": chance.one_of(_TOOLS),
        "tool_owner": chance.choice(("IT", "operations", "sales", "logistics")),
        "weeks": chance.choice((3, 4, 6, 8, 10)),
    }


def answers(
    chance: Chance, criteria: list[str], met: set[str], company: Company, person: Person, amount: int
) -> dict[str, Answer]:
    """One answer for each criterion, with evidence and who said it; ``amount`` is in thousands."""
    given: dict[str, Answer] = {}
    for criterion in criteria:
        verdict = "met" if criterion in met else chance.choice(("partly", "partly", "not_met"))
        answer, evidence = chance.one_of(_SAID[verdict][criterion])
        if evidence and chance.happens(0.6):
            evidence += chance.one_of(_DETAILS)
        where, slots = chance.one_of(_WHERE), _slots(chance, company, person, amount)
        given[criterion] = Answer(
            verdict=verdict,
            answer=answer.format(**slots),
            evidence=evidence.format(**slots),
            said_by=f"{person.name}, {_lower(where)}" if evidence else "",
        )
    return given


def note(chance: Chance, disposition: str) -> str:
    """What a rep writes beside a touch; mostly nothing."""
    often = 0.75 if disposition in ("connected", "call_back", "not_a_fit", "not_now") else 0.15
    return chance.one_of(_NOTES[disposition]) if chance.happens(often) else ""


def rejection(chance: Chance, reason: str, criterion: str) -> str:
    text = chance.one_of(_REJECTIONS[reason])
    return text.format(criterion=criterion, criterion_upper=criterion[0].upper() + criterion[1:])


def taking_back(chance: Chance) -> str:
    return chance.one_of(_TAKE_BACKS)
