from django.urls import path

from notifications import webhooks

urlpatterns = [
    path("webhooks/whatsapp/twilio/", webhooks.twilio),
    path("webhooks/whatsapp/meta/", webhooks.meta),
]
