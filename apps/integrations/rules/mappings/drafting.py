"""Begin a mapping from columns that nobody mapped yet, and change one column by column."""

import json
import re
from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from typing import Any

from apps.integrations.rules.kinds import Kind
from apps.integrations.rules.mappings.document import FORMAT

_ALSO_CALLED = {
    "external_id": ("id", "recordid", "leadid", "opportunityid", "dealid", "employeeid", "userid", "key"),
    "name": ("fullname", "contact", "contactname", "person", "employee"),
    "created": ("createddate", "createdate", "createdat", "createdon", "added", "addtime", "capturedat"),
    "hired_on": ("hired", "hiredate", "startdate", "startedon"),
    "left_on": ("left", "terminated", "enddate"),
    "owner": ("leadowner", "ownerid", "owneremployeeid", "assignedto", "contactowner", "owneremail"),
    "stage": ("status", "leadstatus", "leadstage", "lifecyclestage"),
    "reason": ("disqualifiedreason", "lostreason", "unqualifiedreason"),
    "do_not_contact": ("donotcall", "optout", "optedout", "unsubscribed", "hasoptedoutofemail"),
    "hand_off": ("convertedopportunityid", "opportunityid", "dealid"),
    "title": ("jobtitle", "position"),
    "email": ("emailaddress", "mail"),
    "phone": ("phonenumber", "telephone", "mobile"),
    "company": ("companyname", "organisation", "organization", "account", "accountname"),
    "employees": ("numberofemployees", "staff", "companysize", "noofemployees"),
    "time_zone": ("timezone", "zone"),
    "source": ("leadsource", "leadsrc", "originalsource"),
    "campaign": ("campaignname", "utmcampaign"),
    "sdr": ("createdbyid", "createdby", "bookedby"),
    "ae": ("owneremployeeid", "owner", "ownerid", "opportunityowner", "dealowner"),
    "lead": ("leadid", "contactid"),
    "accepted": ("isaccepted", "acceptance"),
    "decided": ("accepteddecisiondate", "decisiondate", "decidedon"),
    "amount": ("value", "dealvalue", "opportunityamount"),
    "converted_leads": ("quota", "leadquota"),
    "amount_accepted": ("quotaamount",),
}


def _bare(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def suggested(kind: Kind, header: Sequence[str]) -> dict[str, str]:
    """Field name → column, by their names alone; a person looks over it before anything is read."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for known in kind.fields:
        names = (_bare(known.name), _bare(known.label), *_ALSO_CALLED.get(known.name, ()))
        for wanted in names:
            column = next((one for one in header if _bare(one) == wanted and one not in taken), None)
            if column is not None:
                found[known.name] = column
                taken.add(column)
                break
    return found


def starter(
    *, name: str, system: str, files: Sequence[tuple[str, Kind, Sequence[str]]], currency: str, zone: str
) -> dict[str, Any]:
    """A document to begin with, for files (name, kind, header) that no mapping knows."""
    return {
        "format": FORMAT,
        "name": name,
        "system": system,
        "note": "",
        "dates": ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"],
        "team": {"name": "Imported team", "currency": currency, "time_zone": zone},
        "files": [
            {
                "kind": kind.name,
                "recognise": {"name": [file_name]},
                "fields": suggested(kind, header),
                "ignored": {},
            }
            for file_name, kind, header in files
        ],
    }


def columns_of(spec: Any) -> list[str]:
    """The columns that a field's spec names, however it is written."""
    if isinstance(spec, str):
        return [spec]
    if not isinstance(spec, dict):
        return []
    listed = spec.get("columns") or spec.get("column") or []
    return [listed] if isinstance(listed, str) else [one for one in listed if isinstance(one, str)]


def with_choices(document: dict[str, Any], index: int, choices: AnyMapping[str, str]) -> dict[str, Any]:
    """The document with file ``index`` changed: each column goes to the chosen field ("" leaves it out).

    A field that keeps its column keeps how it is read (translations, dates); a column chosen anew is read
    plainly. Columns that several fields share, or that are joined, stay as they are unless chosen away.
    """
    changed = json.loads(json.dumps(document))
    layout = changed["files"][index]
    fields: dict[str, Any] = layout.setdefault("fields", {})
    ignored: dict[str, str] = layout.setdefault("ignored", {})
    for column, wanted in choices.items():
        present = [name for name, spec in fields.items() if column in columns_of(spec)]
        if wanted in present or (not wanted and not present):
            continue
        for name in present:
            rest = [one for one in columns_of(fields[name]) if one != column]
            if rest:
                kept = fields[name] if isinstance(fields[name], dict) else {}
                fields[name] = {**{key: kept[key] for key in kept if key != "column"}, "columns": rest}
            else:
                del fields[name]
        if wanted:
            ignored.pop(column, None)
            fields[wanted] = column
        else:
            ignored.setdefault(column, "Left out.")
    return changed
