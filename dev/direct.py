import requests


def session() -> requests.Session:
    """For HTTP to this machine: no proxy that the environment names comes in between."""
    session = requests.Session()
    session.trust_env = False
    return session
