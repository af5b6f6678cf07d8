"""What PostgreSQL is told about the reading that pay does: few of many rows, by their keys, mostly in memory."""

from django.db import connection

# One rep's credits are few among all events, yet by the usual costs of a page every event was read for them.
_BY_KEYS = "SET LOCAL random_page_cost = 1.1; SET LOCAL work_mem = '64MB'; SET LOCAL jit = off"


def read_by_keys() -> None:
    """For the rest of the transaction: find rows by their keys, sort in memory. On another database nothing."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_BY_KEYS)
