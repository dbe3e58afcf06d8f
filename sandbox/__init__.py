"""A stand-in for the WhatsApp providers over real HTTP, for trials and tests: no message ever reaches a telephone.

It knows nothing of the product, nor the product of it: TWILIO_API_URL or WHATSAPP_CLOUD_API_URL leads there.
`python -m sandbox --help` says how it is started by hand.
"""

from sandbox.network import NotLocal, Webhook
from sandbox.server import Sandbox

__all__ = ["NotLocal", "Sandbox", "Webhook"]
