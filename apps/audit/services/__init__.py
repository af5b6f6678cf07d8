"""Write an entry (what every act does); seal, verify, anchor and export stand in their own modules."""

from apps.audit.services.entries import record, record_many

__all__ = ["record", "record_many"]
