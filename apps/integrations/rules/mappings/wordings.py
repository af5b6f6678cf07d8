"""What the words of other systems mean for a field of fixed choices: the first line that a text fits wins."""
# ruff: noqa: E501 - a line of the table is one row

import re

_Line = tuple[str, str]

_LEAD_STAGE: tuple[_Line, ...] = (
    (r"not (yet )?(contacted|attempted|started)|untouched|unworked", "mcl"),
    (r"not converted|unqualif|disqualif|not qualif|not interested|junk|spam|dead|bad (data|fit|lead)|no fit|invalid", "disqualified"),
    (r"nurtur|recycl|bad timing|later|on hold|postpon|not now|paus", "recycled"),
    (r"\bsql\b|sales ?qualified|meeting (set|booked|scheduled)|demo (set|booked|scheduled)", "sql"),
    (r"\bmql\b|marketing ?qualified", "mql"),
    (r"convert|customer|opportunity|open deal|deal (created|open)|evangelist", "converted"),
    (r"lost|closed|archiv", "disqualified"),
    (r"qualified", "sql"),
    (r"work|contact|attempt|progress|connect|engag|call|reply|replied|unresponsive|follow|assigned|discussion", "working"),
    (r"new|open|raw|subscriber|inquir|enquir|lead|unassigned|fresh|other|incoming|none", "mcl"),
)  # fmt: skip
_OPPORTUNITY_STAGE: tuple[_Line, ...] = (
    (r"lost|dead|abandon|cancel|no decision|disqualif|deleted", "lost"),
    (r"\bwon\b|closedwon|signed|customer|closed$", "won"),
    (r"qualification|prospect|appointment|discovery|new|lead ?in|contact|intro|identif|open|needs analysis|demo scheduled|stage ?1|meeting|presentation ?scheduled", "stage_1"),
    (r"propos|quote|negoti|contract|decision|evaluat|value prop|percept|review|verbal|commit|trial|poc|pilot|demo|stage ?[2-9]|qualified|offer", "stage_2"),
)  # fmt: skip
_OUTCOME: tuple[_Line, ...] = (
    (r"lost|dead|cancel|deleted", "lost"),
    (r"^(won|closed won|closedwon|true|yes|1)$", "won"),
    (r"^(open|pending|active|in progress|false|no|0)$", "open"),
)
_ROLE: tuple[_Line, ...] = (
    (r"account executive|\bae\b|closer|sales executive", "ae"),
    (r"customer success|\bcsm\b", "csm"),
    (r"account manag|\bam\b|key account", "am"),
    (r"outbound|business development|\bbdr\b|\bosr\b|\bxdr\b", "osr"),
    (r"inbound|sales development|\bsdr\b|\bisr\b|\bmdr\b|lead qualif", "isr"),
)
_CHANNEL: tuple[_Line, ...] = (
    (r"mail|newsletter|sequence", "email"),
    (r"linkedin|social|twitter|xing|facebook|inmail", "social"),
    (r"chat|whatsapp|sms|text|message", "chat"),
    (r"visit|site|in person|lunch|on-?site", "visit"),
    (r"call|phone|dial|voice", "call"),
)
_DISPOSITION: tuple[_Line, ...] = (
    (r"opt.?out|unsubscrib|do not (call|contact)|remove", "opt_out"),
    (r"voice ?mail|left message|left (live|voice)|answering machine|vm\b", "voicemail"),
    (r"no answer|not answered|unanswered|no response|busy|missed|not reached|not connected", "no_answer"),
    (r"gate ?keeper|assistant|reception|left live message", "gatekeeper"),
    (r"call ?back|callback|asked to call", "call_back"),
    (r"wrong|bad (number|contact|address)|bounce|invalid|disconnected", "bad_contact"),
    (r"not interested|no fit|not a fit|unqualif", "not_a_fit"),
    (r"not now|later|bad time|nurtur", "not_now"),
    (r"connect|reached|spoke|answered|interested|meeting|completed call|talk|replied|positive", "connected"),
    (r"sent|completed|done|true|delivered|opened|finished|closed|yes", "sent"),
)
_OPPORTUNITY_KIND: tuple[_Line, ...] = (
    (r"renew", "renewal"),
    (r"upsell|cross|expan|existing (business|customer)|add.?on|upgrade", "upsell"),
    (r"new|first", "new"),
)
_LOSS: tuple[_Line, ...] = (
    (r"budget|price|expens|cost|fund|money", "no_budget"),
    (r"competit|other vendor|rival", "competitor"),
    (r"decision|unresponsive|no response|silent|ghost", "no_decision"),
    (r"timing|later|postpon|not now", "timing"),
    (r"qualif|fit|spam|duplicate", "unqualified"),
    (r"churn|left|cancel", "churned"),
    (r".", "other"),
)
_TIME_OFF: tuple[_Line, ...] = (
    (r"sick|ill|krank|medical", "sick"),
    (r"parent|matern|patern|eltern|baby", "parental"),
    (r"holiday|vacation|annual|urlaub|pto|leave|paid", "holiday"),
    (r".", "other"),
)

LINES: dict[tuple[str, str], tuple[_Line, ...]] = {
    ("leads", "stage"): _LEAD_STAGE,
    ("opportunities", "stage"): _OPPORTUNITY_STAGE,
    ("opportunities", "outcome"): _OUTCOME,
    ("opportunities", "kind"): _OPPORTUNITY_KIND,
    ("opportunities", "reason"): _LOSS,
    ("reps", "role"): _ROLE,
    ("touches", "channel"): _CHANNEL,
    ("touches", "disposition"): _DISPOSITION,
    ("time_off", "kind"): _TIME_OFF,
}


def meant(text: str, *, kind: str, field: str, choices: tuple[str, ...]) -> str | None:
    """Which choice a text means; ``None`` where nothing is like it."""
    plain = " ".join(text.casefold().replace("_", " ").replace("-", " ").split())
    exact = plain.replace(" ", "_")
    if exact in choices:
        return exact
    return next((choice for form, choice in LINES.get((kind, field), ()) if re.search(form, plain)), None)
