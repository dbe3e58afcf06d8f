"""What the customer agrees to by sending a request. Another sentence is another version: both change here, together."""

VERSION = "2026-11"
SENTENCE = "Votre numéro, votre code postal et votre urgence seront transmis à un plombier, qui vous rappellera."
