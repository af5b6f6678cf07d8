"""One machine: the demo company, SQLite and the embedded broker unless told otherwise."""

from django.core.management.utils import get_random_secret_key

from salesportal.settings.base import *  # noqa: F403
from salesportal.settings.base import VAR_DIR, env


def _own_secret_key() -> str:
    """A key made on this machine at the first start and kept outside the repository."""
    path = VAR_DIR / "secret-key"
    try:
        return path.read_text()
    except FileNotFoundError:
        # Two processes may start at once: the first link wins, both read the same key.
        draft = VAR_DIR / f"secret-key.{get_random_secret_key()[:8].encode().hex()}"
        draft.write_text(get_random_secret_key())
        draft.chmod(0o600)
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        draft.unlink()
        return path.read_text()


SECRET_KEY = env("SECRET_KEY", default="") or _own_secret_key()
DEBUG = env.bool("DEBUG", default=False)
DEMO_MODE = env.bool("DEMO_MODE", default=True)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["*"])
# Without EMAIL_URL mails are printed by the process that sends them.
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
