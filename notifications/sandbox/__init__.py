"""A pretend WhatsApp provider over real HTTP, for trials and tests: nothing ever leaves the machine.

The product does not know it: it is reached only because TWILIO_API_URL or WHATSAPP_CLOUD_API_URL says so.
"""

from notifications.sandbox.callbacks import Webhook
from notifications.sandbox.loopback import NotLoopback
from notifications.sandbox.server import Sandbox

__all__ = ["NotLoopback", "Sandbox", "Webhook"]
