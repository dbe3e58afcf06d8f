"""The account that the tests have with each provider, and one message to send."""

from notifications.providers.base import Message

MESSAGE = Message(
    to="+33639980001",
    text="Nouveau client : 06 39 98 00 02, 75011, fuite d'eau à l'étage & plus",
    variables=("06 39 98 00 02", "75011", "Fuite d'eau à l'étage"),
    reference="0b8ee5f3-3d6e-4d0b-9d3c-6b2a2f6d3c11",
)


def with_twilio(settings):
    settings.TWILIO_ACCOUNT_SID = "AC1a03647d811fab342c0ad608e382fab2"
    settings.TWILIO_AUTH_TOKEN = "secret-token"
    settings.TWILIO_WHATSAPP_FROM = "+33199000001"
    settings.TWILIO_MESSAGING_SERVICE_SID = ""
    settings.TWILIO_CONTENT_SID = ""
    settings.SITE_URL = "https://plombiers.example.fr"
    settings.NOTIFICATION_DEADLINE = 0.5
    return settings


def with_meta(settings):
    settings.WHATSAPP_CLOUD_PHONE_NUMBER_ID = "106540352242922"
    settings.WHATSAPP_CLOUD_TOKEN = "secret-token"
    settings.WHATSAPP_CLOUD_TEMPLATE = "nouveau_client_urgence"
    settings.WHATSAPP_CLOUD_TEMPLATE_LANGUAGE = "fr"
    settings.NOTIFICATION_DEADLINE = 0.5
    return settings
