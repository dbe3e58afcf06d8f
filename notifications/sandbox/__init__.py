"""A pretend WhatsApp provider over real HTTP, for trials and tests: nothing ever leaves the machine.

The product does not know it: it is reached only because TWILIO_API_URL says so.
"""

from notifications.sandbox.server import NotLoopback, Sandbox

__all__ = ["NotLoopback", "Sandbox"]
