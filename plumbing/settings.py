"""All settings, from the environment. docs/settings.md describes them; .env.example is a start."""

import datetime
import re
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from psycopg2.extensions import ISOLATION_LEVEL_READ_COMMITTED

from plumbing import database_url, env, redis_url
from plumbing.readable import LARGEST_BODY

# --- Web ---------------------------------------------------------------------------------------

DEBUG = env.boolean("DEBUG", default=False)
SECRET_KEY = env.text("SECRET_KEY")
SITE_URL = env.url("SITE_URL", ("https", "http"))  # where customers reach us: confirmation links begin with it
if urlsplit(SITE_URL)._replace(scheme="", netloc="").geturl() or not urlsplit(SITE_URL).hostname:
    env.wrong("SITE_URL", "must be a scheme and a host, without a path: https://plombiers.example.fr.")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]" if DEBUG else env.REQUIRED)
CSRF_TRUSTED_ORIGINS = [SITE_URL]

# What customers see of whoever runs this; the texts may come from files: LEGAL_NOTICE_FILE, PRIVACY_NOTICE_FILE.
BRAND_NAME = env.text("BRAND_NAME", "Urgence Plombier")
BRAND_COLOR = env.text("BRAND_COLOR", "#0b5cad")
CONTACT_PHONE = env.text("CONTACT_PHONE", "")
LEGAL_NOTICE = env.text("LEGAL_NOTICE", "")
PRIVACY_NOTICE = env.text("PRIVACY_NOTICE", "")
BRAND_TEMPLATES = env.folder("BRAND_TEMPLATES")  # what is in it takes the place of ours
SHOW_PLUMBER = env.boolean("SHOW_PLUMBER", default=False)

# The proxy in front ends TLS and says so in X-Forwarded-Proto. An http SITE_URL means: no TLS here, a trial.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SITE_URL.startswith("https://")
# Asked by the container itself, without TLS; and signed, so that no redirect (which providers do not follow) is needed.
SECURE_REDIRECT_EXEMPT = [r"^(api/health|readyz|metrics)$", r"^webhooks/whatsapp/"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if SECURE_SSL_REDIRECT else 0  # a preload asks for a year
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_SSL_REDIRECT
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_COOKIE_HTTPONLY = True
CONTENT_SECURITY_POLICY = {  # no style and no script inside a page: neither ours nor the admin's need one
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "connect-src": [SELF],  # the admin's autocompletion
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")  # whose X-Forwarded-For counts (leads/client_address.py)
# Whose pages may use the API from a browser; the API knows no cookie that they could use.
CORS_ALLOWED_ORIGINS = env.words("CORS_ALLOWED_ORIGINS", "")
CORS_URLS_REGEX = r"^/api/lead"
CORS_ALLOW_METHODS = ["GET", "POST", "OPTIONS"]
CORS_ALLOW_HEADERS = ["authorization", "content-type", "idempotency-key"]
CORS_EXPOSE_HEADERS = ["Retry-After"]
FILE_UPLOAD_HANDLERS = []  # no page takes files
DATA_UPLOAD_MAX_NUMBER_FILES = 0
DATA_UPLOAD_MAX_MEMORY_SIZE = LARGEST_BODY

INSTALLED_APPS = [
    "plumbing",
    "desk",
    "leads",
    "notifications",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "corsheaders",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
]
MIDDLEWARE = [
    "plumbing.middleware.permissions_policy",
    "csp.middleware.CSPMiddleware",
    "plumbing.middleware.probes_by_any_name",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "leads.api_answers.ApiAnswersMiddleware",
    "leads.error_pages.ErrorPagesMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "leads.unavailable.UnavailableMiddleware",
    "desk.sessions.ended_by_silence",
    "desk.second_factor.SecondFactorMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "plumbing.urls"
WSGI_APPLICATION = "plumbing.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BRAND_TEMPLATES] if BRAND_TEMPLATES else [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # no collectstatic step to forget

# --- Operators' accounts (desk/accounts.py, desk/second_factor.py) ---------------------------------

LOGIN_URL, LOGIN_REDIRECT_URL = "admin:login", "admin:index"
OPERATOR_2FA = env.choice("OPERATOR_2FA", ("optional", "required"), "optional")
SESSION_COOKIE_AGE = int(env.hours("OPERATOR_SESSION_HOURS", 12) * 3600)  # of silence, in seconds
OTP_TOTP_ISSUER = f"Urgences plomberie ({urlsplit(SITE_URL).hostname})"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_HANDLER = "desk.accounts.LoginGuard"
AXES_FAILURE_LIMIT = 5  # of an account from one address
AXES_COOLOFF_TIME = datetime.timedelta(minutes=15)
# Never of an account alone: whoever knows its name could lock its owner out.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"], "ip_address"]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # nor does whoever goes on trying make it longer
AXES_CLIENT_IP_CALLABLE = "desk.accounts.counted_address"
AXES_USERNAME_CALLABLE = "desk.accounts.counted_name"
AXES_LOCKOUT_CALLABLE = "desk.accounts.locked_out"
AXES_ENABLE_ADMIN = False
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

LANGUAGE_CODE = "fr"
FORMAT_MODULE_PATH = ["plumbing.formats"]
TIME_ZONE = "Europe/Paris"  # what people read; the database holds UTC
USE_TZ = True

# --- Notifications (seconds) ------------------------------------------------------------------------

NOTIFICATION_RETRY_DELAY = env.seconds("NOTIFICATION_RETRY_DELAY", 30)
NOTIFICATION_DEADLINE = env.seconds("NOTIFICATION_DEADLINE", 10)  # the whole call to the provider
NOTIFICATION_LEASE = env.seconds("NOTIFICATION_LEASE", 30)  # an attempt without a result after this: its process died
NOTIFICATION_DELIVERY_DELAY = env.seconds("NOTIFICATION_DELIVERY_DELAY", 600)  # then "accepted" looks suspicious
SWEEP_INTERVAL = env.seconds("SWEEP_INTERVAL", 5)
BREAKER = env.choice("BREAKER", ("on", "off"), "on") == "on"  # see notifications/breaker.py
WATCHDOG_PATIENCE = env.seconds("WATCHDOG_PATIENCE", 60)  # a worker or sweeper that does nothing for longer is ended

# --- Alerts to the operators on call (notifications/alerts.py) -----------------------------------------

ALERT_EMAILS = env.words("ALERT_EMAILS", "")
if wrong := next((each for each in ALERT_EMAILS if not re.fullmatch(r"[^@\s]+@[^@\s]+", each)), None):
    env.wrong("ALERT_EMAILS", f"must be mail addresses with commas between them, not {wrong!r}.")
ALERT_WEBHOOK_URL = env.text("ALERT_WEBHOOK_URL", "") and env.url("ALERT_WEBHOOK_URL", ("https", "http"))
ALERT_WEBHOOK_SECRET = env.text("ALERT_WEBHOOK_SECRET", "")
EMAIL_HOST = env.text("EMAIL_HOST", "localhost")
EMAIL_PORT = env.text("EMAIL_PORT", "25")
if not re.fullmatch("[0-9]{1,5}", EMAIL_PORT) or not 0 < int(EMAIL_PORT) <= 65535:
    env.wrong("EMAIL_PORT", f"must be a port, as 587, not {EMAIL_PORT!r}.")
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.boolean("EMAIL_USE_TLS", default=False)
EMAIL_BACKEND = "notifications.alert_smtp.EmailBackend"
EMAIL_TIMEOUT = 20  # seconds for a whole mail
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", f"alertes@{urlsplit(SITE_URL).hostname or 'localhost'}")

# --- Database: the source of truth ----------------------------------------------------------------

# A query that waits longer than this waits for something that is broken. A process that freezes while it claims
# an attempt loses the claim long before its lease runs out. No option of DATABASE_URL lifts these.
_IN_TRANSACTION = max(500, round(500 * (NOTIFICATION_LEASE - NOTIFICATION_DEADLINE)))  # milliseconds
_SESSION = {
    "lock_timeout": "2s",
    "statement_timeout": "5s",
    "idle_in_transaction_session_timeout": str(_IN_TRANSACTION),
    "jit": "off",  # it compiles what it takes for long, for longer than any of our statements runs
}
_CONNECTION = {
    "connect_timeout": 3,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 3_000,  # milliseconds; bounds connecting too, or a first host that is gone hides the second
    # Whose turn it is to pick a plumber must see what the turn before has written, whatever the server's default.
    "isolation_level": ISOLATION_LEVEL_READ_COMMITTED,
}
try:
    DATABASES = {"default": database_url.parse(env.text("DATABASE_URL"), options=_CONNECTION, session=_SESSION)}
except ValueError as exc:
    DATABASES = {"default": {}}
    env.wrong("DATABASE_URL", str(exc))
env.keep_secret(DATABASES["default"].get("PASSWORD", ""))
DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"

# --- Leads ----------------------------------------------------------------------------------------

LEAD_TOKEN_TTL = env.seconds("LEAD_TOKEN_TTL", 1800)
LEAD_FRESHNESS = env.seconds("LEAD_FRESHNESS", 14400)
LEAD_DUPLICATE_WINDOW = env.seconds("LEAD_DUPLICATE_WINDOW", 1800)
# Postal codes or their beginnings, where requests are taken; empty: everywhere.
SERVICE_AREA = env.text("SERVICE_AREA", "").replace(",", " ").split()
if wrong := next((zone for zone in SERVICE_AREA if not re.fullmatch("[0-9]{1,5}", zone)), None):
    env.wrong("SERVICE_AREA", f"must be postal codes or beginnings of codes, as in 75,92100, not {wrong!r}.")

# --- How many requests are taken (leads/limits.py) ------------------------------------------------------

LIMIT_PER_CLIENT = env.rate("LIMIT_PER_CLIENT", "20/10 minutes")
LIMIT_PER_PHONE = env.rate("LIMIT_PER_PHONE", "10/hour")
LIMIT_OVERALL = env.rate("LIMIT_OVERALL", "300/minute")
LIMITS_PATIENCE = env.seconds("LIMITS_PATIENCE", 0.03)  # with what Python adds, below 50 ms
REQUEST_FILL_TIME = env.seconds("REQUEST_FILL_TIME", 2)  # whoever fills in the form faster is asked to send it again

# --- Running it (desk/health.py, desk/metrics.py) -----------------------------------------------------

METRICS_TOKEN = env.text("METRICS_TOKEN", "")

# --- Providers --------------------------------------------------------------------------------------

WHATSAPP_BACKEND = env.text("WHATSAPP_BACKEND")  # a name in notifications/providers, or a dotted path
if not re.fullmatch(r"|twilio|cloud_api|console|[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", WHATSAPP_BACKEND):
    env.wrong("WHATSAPP_BACKEND", f"must be twilio, cloud_api, console or a dotted path, not {WHATSAPP_BACKEND!r}.")

TWILIO_ACCOUNT_SID = env.text("TWILIO_ACCOUNT_SID", "")
TWILIO_AUTH_TOKEN = env.text("TWILIO_AUTH_TOKEN", "")
TWILIO_WHATSAPP_FROM = env.text("TWILIO_WHATSAPP_FROM", "")
TWILIO_MESSAGING_SERVICE_SID = env.text("TWILIO_MESSAGING_SERVICE_SID", "")
TWILIO_CONTENT_SID = env.text("TWILIO_CONTENT_SID", "")
TWILIO_API_URL = env.url("TWILIO_API_URL", ("https", "http"), "https://api.twilio.com")

WHATSAPP_CLOUD_TOKEN = env.text("WHATSAPP_CLOUD_TOKEN", "")
WHATSAPP_CLOUD_PHONE_NUMBER_ID = env.text("WHATSAPP_CLOUD_PHONE_NUMBER_ID", "")
WHATSAPP_CLOUD_APP_SECRET = env.text("WHATSAPP_CLOUD_APP_SECRET", "")
WHATSAPP_CLOUD_VERIFY_TOKEN = env.text("WHATSAPP_CLOUD_VERIFY_TOKEN", "")
WHATSAPP_CLOUD_TEMPLATE = env.text("WHATSAPP_CLOUD_TEMPLATE", "")
WHATSAPP_CLOUD_TEMPLATE_LANGUAGE = env.text("WHATSAPP_CLOUD_TEMPLATE_LANGUAGE", "fr")
WHATSAPP_CLOUD_API_URL = env.url("WHATSAPP_CLOUD_API_URL", ("https", "http"), "https://graph.facebook.com/v25.0")

# --- Celery: carries lead ids to the workers (why each value: docs/operations.md) -----------------------

_BROKER = "CELERY_BROKER_URL" if env.text("CELERY_BROKER_URL", "") else "REDIS_URL"
CELERY_BROKER_URL = env.url(
    _BROKER, ("redis", "rediss") if _BROKER == "REDIS_URL" else ("redis", "rediss", "amqp", "amqps")
)
if CELERY_BROKER_URL.startswith("redis") and not re.fullmatch(r"/?\d*", urlsplit(CELERY_BROKER_URL).path):
    env.wrong(_BROKER, "must end with the number of a database: redis://host:6379/0.")
# Counted beside the broker, whose database limits never touch; "" without a Redis: then each process counts for itself.
_REDIS_URL = env.text("REDIS_URL", "") and env.url("REDIS_URL", ("redis", "rediss"))
LIMITS_REDIS_URL = redis_url.beside(_REDIS_URL, CELERY_BROKER_URL)
if env.text("LIMITS_REDIS_URL", ""):
    LIMITS_REDIS_URL = env.url("LIMITS_REDIS_URL", ("redis", "rediss"))
    if redis_url.is_same(LIMITS_REDIS_URL, CELERY_BROKER_URL):
        env.wrong("LIMITS_REDIS_URL", "must be another database than the broker's: change the number at its end.")
BROKER_VISIBILITY_TIMEOUT = env.seconds("BROKER_VISIBILITY_TIMEOUT", 300)

CELERY_BROKER_TRANSPORT_OPTIONS = (
    {
        "visibility_timeout": BROKER_VISIBILITY_TIMEOUT,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
        "unacked_mutex_expire": 60,
        "socket_timeout": 2,
        "socket_connect_timeout": 1,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "retry_on_timeout": False,
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.1,
        "interval_max": 0.1,
    }
    if CELERY_BROKER_URL.startswith("redis")
    else {"confirm_publish": True, "max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}
)
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_POOL_ACQUIRE_TIMEOUT = 0.5
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_PUBLISH_RETRY = True  # once, at once: the connection that we kept may be dead
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True  # the row in PostgreSQL is the result; a result backend that is down blocks delay()
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
# The work waits for HTTP: threads send as much as processes in a tenth of the memory (docs/operations.md).
CELERY_WORKER_POOL = "threads"
# Celery would close the thread's connection before and after each task. A broken one is replaced by `database.repeat`.
CELERY_DB_REUSE_MAX = 10**9
CELERY_WORKER_CONCURRENCY = 40
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ETA_TASK_LIMIT = 1000

# --- Logs ---------------------------------------------------------------------------------------------

LOG_FORMAT = env.choice("LOG_FORMAT", ("text", "json"), "text")
LOGGING_CONFIG = "plumbing.logs.configure"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "discreet": {
            "()": "plumbing.logs.DiscreetFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        }
        if LOG_FORMAT == "text"
        else {"()": "plumbing.json_logs.DiscreetJson"}
    },
    "filters": {"short": {"()": "plumbing.logs.Short"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "discreet", "filters": ["short"]},
        "nobody": {"class": "logging.NullHandler"},  # without any handler, Python's last resort prints
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        # Their own handlers would print what ours hides.
        "django": {"handlers": [], "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
        "gunicorn.error": {"handlers": [], "propagate": True},
        "gunicorn.access": {"handlers": [], "propagate": True},
        # LoginGuard says the same, in French and with less.
        "axes": {"level": "ERROR"},
        "health_check": {"level": "ERROR"},  # a probe every few seconds says the same again; its answer says it
        # Scanners ask for other hosts all day: Django answers 400, and a line for each says nothing.
        "django.security.DisallowedHost": {"handlers": ["nobody"], "propagate": False},
    },
}

env.stop_if_wrong()
