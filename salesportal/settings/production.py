"""Production: nothing has a default that would be unsafe; no demo company."""

from django.core.exceptions import ImproperlyConfigured

from salesportal.settings.base import *  # noqa: F403
from salesportal.settings.base import env

SECRET_KEY = env("SECRET_KEY")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
if env.bool("DEMO_MODE", default=False):
    raise ImproperlyConfigured(
        "DEMO_MODE is on under production settings. Demo sign-ins have public passwords: unset DEMO_MODE."
    )
if not env("DATABASE_URL", default="") or not env("REDIS_URL", default=""):
    raise ImproperlyConfigured("Production needs DATABASE_URL (PostgreSQL) and REDIS_URL: set both.")

SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="smtp://localhost:25")
vars().update(EMAIL_CONFIG)
PORTAL_URL = env("PORTAL_URL", default="") or f"https://{ALLOWED_HOSTS[0].lstrip('.')}"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
