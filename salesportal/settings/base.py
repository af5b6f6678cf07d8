"""What is the same wherever the portal runs.

Only two variables move it from one machine to many: ``DATABASE_URL`` (SQLite without it) and
``REDIS_URL`` (an embedded broker on the disk without it).
"""

import logging
from pathlib import Path

import environ

from salesportal import logs

BASE_DIR = Path(__file__).resolve().parents[2]

env = environ.Env()
# A .env beside manage.py is for a developer's own machine; real variables win over it.
environ.Env.read_env(BASE_DIR / ".env")

VAR_DIR = Path(env("PORTAL_VAR_DIR", default=str(BASE_DIR / "var")))
VAR_DIR.mkdir(parents=True, exist_ok=True)

DEBUG = False
DEMO_MODE = False
ALLOWED_HOSTS: list[str] = []
ROOT_URLCONF = "salesportal.urls"
WSGI_APPLICATION = "salesportal.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
SITE_ID = 1

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "django_htmx",
    "import_export",
    "rest_framework",
    "drf_spectacular",
    "rules",
    "apps.core",
    "apps.audit",
    "apps.jobs",
    "apps.accounts",
    "apps.reps",
    "apps.leads",
    "apps.slas",
    "apps.customers",
    "apps.compensation",
    "apps.scorecards",
    "apps.integrations",
    "apps.portal",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.audit.origin.OriginMiddleware",
    "apps.core.http.DomainErrorMiddleware",
    "apps.core.http.PrivateByDefaultMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.portal.context_processors.frame",
            ],
            "builtins": ["apps.core.templatetags.figures", "apps.portal.templatetags.components"],
        },
    }
]

# --- Database -------------------------------------------------------------------------------
DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'portal.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # WAL lets readers go on while one writes; IMMEDIATE takes the write lock at BEGIN, so that a
    # transaction waits its turn instead of failing half way with "database is locked".
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
            "PRAGMA busy_timeout=30000; PRAGMA cache_size=-64000;"
        ),
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# Prepared statements live as long as their connection: not behind a pooler that hands it on after a transaction.
KEEP_PLANS = env.bool("KEEP_PLANS", default=True)

# --- Cache, broker --------------------------------------------------------------------------
REDIS_URL = env("REDIS_URL", default="")
if REDIS_URL:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
else:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
            "LOCATION": str(VAR_DIR / "cache"),
        }
    }

# --- Sign-in --------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "rules.permissions.ObjectPermissionBackend",
    "apps.accounts.backends.PasswordBackend",
    "apps.accounts.backends.EmailBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "portal:home"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "apps.accounts.adapters.ClosedSignUpAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
# Nobody signs up, so a reset for an unknown address has no mail to send; the page says the same either way.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_SESSION_REMEMBER = None
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="portal@localhost")
# A mail server that hangs must not hold a worker.
EMAIL_TIMEOUT = 10
# Where the portal is found by whoever reads a mail: a mail has no request to take it from.
PORTAL_URL = env(
    "PORTAL_URL", default=f"http://{env('HOST', default='127.0.0.1')}:{env('PORT', default='8000')}"
)
# Hosts of calendar feeds that may lie within a private network; all others must be of the open internet.
FEED_HOSTS_ALLOWED = [host.lower() for host in env.list("FEED_HOSTS_ALLOWED", default=[])]

# Of how many proxies in front the last entries of X-Forwarded-For are believed: limits count by address.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXIES", default=0)
# Keys before the present one: the secrets of webhooks that were made with them go on signing.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
# A form takes so many sendings from one address in ten minutes; a source of facts about companies, if there is one
# (docs/lead-capture.md).
CAPTURE_PER_ADDRESS = env.int("CAPTURE_PER_ADDRESS", default=10)
CAPTURE_ENRICHMENT = env("CAPTURE_ENRICHMENT", default="")
# Hosts that webhooks may call although they lie within a private network, also over http.
WEBHOOK_HOSTS_ALLOWED = [host.lower() for host in env.list("WEBHOOK_HOSTS_ALLOWED", default=[])]

SESSION_ENGINE = "apps.accounts.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"

# No inline script or handler anywhere; style attributes are used for the geometry of figures.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# --- Words, time ----------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

# --- Static ---------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR_DIR / "staticfiles"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
IMPORT_MAX_FILE_BYTES = env.int("IMPORT_MAX_FILE_BYTES", default=20 * 1024 * 1024)
PRIVATE_FILES_DIR = VAR_DIR / "files"

# --- Celery ---------------------------------------------------------------------------------
if REDIS_URL:
    CELERY_BROKER_URL = REDIS_URL
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {
        # Above the longest job, or a message would be delivered beside the work that it began. A worker
        # that dies is not waited for that long: the reaper sends its job out again.
        "visibility_timeout": 6 * 3600,
        # A page that asks for a job must not hang on a broker that is away.
        "socket_connect_timeout": 2,
        "socket_timeout": 10,
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.1,
        "interval_max": 0.2,
    }
else:
    CELERY_BROKER_URL = "embedded://localhost//"
    CELERY_BROKER_TRANSPORT_OPTIONS = {"folder": str(VAR_DIR / "broker"), "polling_interval": 0.05}
    CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_BEAT_SCHEDULER = "salesportal.celery:MemoryScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
# How long a killed process of the pool may still be heard from before its message is given out again.
CELERY_WORKER_LOST_WAIT = 1.0
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for its broker as long as it takes
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# --- API ------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["apps.core.policies.DeniedUnlessDeclared"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "apps.core.http.problem_response",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Sales portal",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    # Two fields are called ``reason``: each set of choices has a name of its own.
    "ENUM_NAME_OVERRIDES": {
        "RepRole": "apps.reps.models.RepRole",
        "RejectionReason": "apps.leads.models.RejectionReason",
        "OpportunityStage": "apps.leads.models.OpportunityStage",
        "SuppressionKind": "apps.leads.models.Suppression.Kind",
        "WebhookMessageState": "apps.integrations.models.MessageState",
        "OpportunityKind": "apps.leads.models.OpportunityKind",
        "CreditRuleKind": "apps.leads.api.credit_rules.KINDS",
        "WebhookTopic": "apps.integrations.api.webhooks.TOPIC_CHOICES",
        "NextStage": ["stage_2", "won", "lost"],
        "GateStage": ["stage_2", "won"],
        "PlanVersionState": "apps.compensation.models.plans.VersionState",
        "SuppressionReason": "apps.leads.models.Suppression.Reason",
        "ComplaintReason": "apps.scorecards.models.ComplaintReason",
        "ReviewItemKind": "apps.scorecards.models.ReviewItem.Kind",
        "ReviewItemEnd": "apps.scorecards.models.ReviewItemEnd.How",
        "ScorecardPart": "apps.scorecards.models.cards.SignedAs",
    },
}

# --- Company --------------------------------------------------------------------------------
COMPANY_NAME = env("COMPANY_NAME", default="Larkfield")
COMPANY_CURRENCY = env("COMPANY_CURRENCY", default="EUR")
COMPANY_TIME_ZONE = env("COMPANY_TIME_ZONE", default="Europe/Berlin")

# What a reviewer of pay looks at first (docs/finance.md): multiples of the own mean, and limits by currency in major
# units, such as "EUR=15000,GBP=12000".
PAYOUT_ODD_JUMP = env("PAYOUT_ODD_JUMP", default="1.5")
PAYOUT_ODD_DROP = env("PAYOUT_ODD_DROP", default="0.5")
PAYOUT_ODD_ABOVE = env.dict("PAYOUT_ODD_ABOVE", default={})
# A file of pay with more rows than this is made by a worker.
PAYOUT_FILE_ROWS_AT_ONCE = env.int("PAYOUT_FILE_ROWS_AT_ONCE", default=5_000)
# Approving, locking and downloading pay ask for the password again after so many minutes.
FRESH_SIGN_IN_MINUTES = env.int("FRESH_SIGN_IN_MINUTES", default=15)
ACCOUNT_REAUTHENTICATION_TIMEOUT = FRESH_SIGN_IN_MINUTES * 60
# What handling one lead takes where too few touches tell it (the forecast of promises), in minutes.
FORECAST_HANDLING_MINUTES = env.int("FORECAST_HANDLING_MINUTES", default=8)
# The ideal customer profile: a lead from another industry is handed off as exploration.
TARGET_INDUSTRIES = env.list(
    "TARGET_INDUSTRIES", default=["Logistics", "Manufacturing", "Healthcare", "Retail", "Energy", "Software"]
)
# A visit to the site counts as caused by the last touch at most so many days before it.
OUTREACH_WINDOW_DAYS = env.int("OUTREACH_WINDOW_DAYS", default=14)
# How many other workers a payout run asks to take parts of it.
PAYOUT_HELPERS = env.int("PAYOUT_HELPERS", default=1)

# --- Logs: one line of JSON an event, no personal data ---------------------------------------
LOGGING = logs.configure(env("LOG_LEVEL", default="WARNING"))
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = logging.INFO
