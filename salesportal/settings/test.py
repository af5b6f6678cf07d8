"""For the test suite: quick password hashing, mail kept in memory, no demo sign-ins unless a test asks.

``DATABASE_URL`` moves the same tests to PostgreSQL; ``TEST_DB_SUFFIX`` keeps two runs at once apart.
"""

import atexit
import os
import shutil
import tempfile

# Each test process (of pytest-xdist as well) has a folder of its own, so that no run leans on another's.
# TEST_VAR_DIR pins it, for ``--reuse-db``.
if "TEST_VAR_DIR" in os.environ:
    os.environ["PORTAL_VAR_DIR"] = os.environ["TEST_VAR_DIR"]
else:
    os.environ["PORTAL_VAR_DIR"] = tempfile.mkdtemp(prefix="salesportal-test-")
    atexit.register(shutil.rmtree, os.environ["PORTAL_VAR_DIR"], ignore_errors=True)

from salesportal.settings.base import *  # noqa: F403
from salesportal.settings.base import DATABASES, VAR_DIR, env

SECRET_KEY = "only-for-tests"  # noqa: S105 - nothing is kept under it
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
PRIVATE_FILES_DIR = VAR_DIR / "test-files"
WHITENOISE_AUTOREFRESH = True

# A file, not memory: only a file can be opened by several connections at once, and in WAL, as it is in use.
_suffix = env("TEST_DB_SUFFIX", default="")
_database = DATABASES["default"]
_name = f"test_salesportal_{_suffix}" if _suffix else "test_salesportal"
if _database["ENGINE"] == "django.db.backends.sqlite3":
    _database["TEST"] = {"NAME": str(VAR_DIR / f"{_name}.sqlite3")}
    # Nothing has to survive a power cut here.
    _database["OPTIONS"]["init_command"] += "PRAGMA synchronous=OFF;"
else:
    _database["TEST"] = {"NAME": _name}
    _database["CONN_MAX_AGE"] = 0
    _database["OPTIONS"] = {"options": "-c synchronous_commit=off"}

# Messages stay inside the process: a test that wants its jobs done asks for the ``run_jobs`` fixture.
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS = {}
