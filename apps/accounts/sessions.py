"""Sessions as Django keeps them in the database; reading one, which every request does, is a prepared statement."""

from functools import lru_cache
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from apps.core.prepared import AT, PreparedQuery

_KEY = "marker"


class SessionStore(db.SessionStore):
    """``SESSION_ENGINE`` names this module."""

    def load(self) -> dict[str, Any]:
        rows = _kept(connection.vendor).rows({_KEY: self.session_key, AT: timezone.now()})
        if not rows:
            self._session_key = None
            return {}
        return self.decode(rows[0][0])


@lru_cache(maxsize=4)
def _kept(_vendor: str) -> PreparedQuery:
    found = Session.objects.filter(session_key=_KEY, expire_date__gt=AT).order_by()
    return PreparedQuery(found.values_list("session_data"), _KEY, AT)
