"""Who is asking: the address and the browser that an action came from."""

import ipaddress
from dataclasses import dataclass

USER_AGENT_MAX = 255


@dataclass(frozen=True)
class Client:
    """A browser as the server sees it; without arguments: a command on this machine.

    ip_address: canonical text, an IPv4 address inside IPv6 unwrapped. user_agent: as sent, cut.
    """

    ip_address: str = ""
    user_agent: str = ""

    @classmethod
    def of(cls, ip_address: str | None, user_agent: str) -> "Client":
        """Return the client with this peer address (any spelling) and User-Agent header."""
        return cls(canonical_address(ip_address or ""), _encodable(user_agent)[:USER_AGENT_MAX])


def _encodable(text: str) -> str:
    """Some servers hand over header bytes that are no text as lone surrogates."""
    return text.encode(errors="replace").decode()


def canonical_address(text: str) -> str:
    """Return the one spelling of an IP address; "" for what is none (a Unix socket's peer)."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
