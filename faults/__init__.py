"""The fault suite: real processes, real signals, and a provider that writes down every request."""
