from django.urls import re_path

from notifications import webhooks

# Also without the last slash: no provider follows a redirect, and Twilio signs the address as it calls it.
urlpatterns = [
    re_path(r"^webhooks/whatsapp/twilio/?$", webhooks.twilio),
    re_path(r"^webhooks/whatsapp/meta/?$", webhooks.meta),
]
