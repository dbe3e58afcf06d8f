import os
import secrets

# Nothing else of the caller's environment: no real provider's account, no proxy, no other database.
INHERITED = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "PYTHONDONTWRITEBYTECODE")
TRUE_TIMES = {  # seconds, as in production
    "NOTIFICATION_RETRY_DELAY": "30",
    "NOTIFICATION_DEADLINE": "10",
    "NOTIFICATION_LEASE": "30",
    "SWEEP_INTERVAL": "5",
    "BROKER_VISIBILITY_TIMEOUT": "300",
    "REQUEST_FILL_TIME": "2",
}
# For tests that start the product: 3 s for what takes 30 s in production, and so on.
TEN_TIMES_AS_FAST = {name: f"{float(seconds) / 10:g}" for name, seconds in TRUE_TIMES.items()}


def environment(url: str, sandbox_url: str) -> dict[str, str]:
    """For a product that serves at `url` and sends to the pretend provider; it lacks only its database and broker."""
    return {name: os.environ[name] for name in INHERITED if name in os.environ} | {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "DEBUG": "false",
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "SITE_URL": url,
        "WHATSAPP_BACKEND": "twilio",
        "TWILIO_API_URL": sandbox_url,
        "TWILIO_ACCOUNT_SID": "AC" + secrets.token_hex(16),
        "TWILIO_AUTH_TOKEN": secrets.token_hex(16),
        "TWILIO_WHATSAPP_FROM": "+33199000001",
        # Ready for WHATSAPP_BACKEND=cloud_api.
        "WHATSAPP_CLOUD_API_URL": f"{sandbox_url}/v25.0",
        "WHATSAPP_CLOUD_TOKEN": secrets.token_hex(16),
        "WHATSAPP_CLOUD_PHONE_NUMBER_ID": "106540352242922",
        "WHATSAPP_CLOUD_APP_SECRET": secrets.token_hex(16),
        "WHATSAPP_CLOUD_VERIFY_TOKEN": secrets.token_hex(16),
        "WHATSAPP_CLOUD_TEMPLATE": "nouveau_client_urgence",
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
    }
