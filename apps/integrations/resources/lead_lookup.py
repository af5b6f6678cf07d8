"""Finds the leads that other rows name, by the source's id or by e-mail address: in the portal or in the files."""

from collections.abc import Sequence

from django.db.models import QuerySet

from apps.integrations.resources.base import KindResource, Record
from apps.integrations.resources.context import LeadKnown
from apps.leads.models import Lead


def known_lead(lead: Lead) -> LeadKnown:
    """A lead of the portal, as rows of files refer to one."""
    owner = lead.owner.external_id if lead.owner else ""
    return LeadKnown(lead.external_id, 0, owner, lead.created_at)


class LeadLookup:
    """The leads of one batch: a statement for ids and one for addresses."""

    def __init__(self, resource: KindResource) -> None:
        self.context = resource.context
        self.by_id: dict[str, Lead] = {}
        self.by_email: dict[str, Lead] = {}
        ids = self._named(resource, "lead")
        emails = {one.lower() for one in self._named(resource, "person")}
        if ids:
            found = self._leads().filter(source_system=self._system, external_id__in=ids)
            self.by_id = {lead.external_id: lead.merged_into or lead for lead in found}
        if emails:
            # Of several with one address the one that is worked, else the newest.
            here = self._leads().filter(email__in=emails, merged_into__isnull=True)
            ordered = sorted(here, key=lambda lead: (lead.is_workable, lead.pk))
            self.by_email = {lead.email: lead for lead in ordered}

    @property
    def _system(self) -> str:
        return self.context.mapping.system

    @staticmethod
    def _leads() -> QuerySet[Lead]:
        return Lead.objects.select_related("owner", "account", "merged_into__account", "merged_into__owner")

    @staticmethod
    def _named(resource: KindResource, name: str) -> set[str]:
        if name not in resource.fields:
            return set()
        field = resource.fields[name]
        return {text for row in resource.rows_of_batch if (text := str(field.raw(row) or "").strip())}

    def find(self, record: Record) -> LeadKnown | None:
        """The lead that a row names, where there is one."""
        own, email = record.get("lead") or "", record.get("person") or ""
        if own:
            here = self.by_id.get(own)
            found = known_lead(here) if here else self.context.leads.get(own)
            if found is not None:
                return found
        if email:
            here = self.by_email.get(email)
            return known_lead(here) if here else self.context.leads_by_email.get(email)
        return None

    def row(self, record: Record) -> Lead | None:
        """The lead itself, when it is written."""
        own, email = record.get("lead") or "", record.get("person") or ""
        return (self.by_id.get(own) if own else None) or (self.by_email.get(email) if email else None)


def refuse_without_lead(resource: KindResource, record: Record, names: Sequence[str]) -> None:
    """Refuse the row for the field that names nobody."""
    name = next((one for one in names if record.get(one)), names[0])
    resource.refuse(name, "No lead is known by this. Import its lead too, or correct it.")
