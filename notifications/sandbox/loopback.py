"""Nothing leaves the machine, in either direction."""

import ipaddress


class NotLoopback(ValueError):
    pass


def loopback(host: str) -> str:
    """The address that `host` names, without asking any name service. Raises NotLoopback."""
    address = "127.0.0.1" if host == "localhost" else host
    try:
        if ipaddress.ip_address(address).is_loopback:
            return address
    except ValueError:
        pass
    raise NotLoopback(host)
