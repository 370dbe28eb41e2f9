"""Who is asking: the address and the browser that an action came from."""

import ipaddress
from dataclasses import dataclass

USER_AGENT_MAX = 255


@dataclass(frozen=True)
class Client:
    """A browser as the server sees it; without arguments: a command on this machine.

    ip_address: canonical text, an IPv4 address inside IPv6 unwrapped. user_agent: as sent, cut.
    browser_id, known_users: of the known-browser cookie; the ids of the users who have logged in
    from this browser before.
    """

    ip_address: str = ""
    user_agent: str = ""
    browser_id: str = ""
    known_users: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        ip_address: str | None,
        user_agent: str,
        browser_id: str = "",
        known_users: tuple[str, ...] = (),
    ) -> "Client":
        """Return the client with this peer address (any spelling) and User-Agent header."""
        address = canonical_address(ip_address or "")
        return cls(address, _encodable(user_agent)[:USER_AGENT_MAX], browser_id, known_users)

    @property
    def network(self) -> str:
        """What counts as one address: /32 of IPv4, /64 of IPv6, which one household has whole."""
        if ":" not in self.ip_address:
            return self.ip_address
        return str(ipaddress.ip_network(f"{self.ip_address}/64", strict=False))


COMMAND_LINE = Client()


def _encodable(text: str) -> str:
    """Some servers hand over header bytes that are no text as lone surrogates. No database but
    SQLite keeps a NUL.
    """
    return text.encode(errors="replace").decode().replace("\0", "?")


def canonical_address(text: str) -> str:
    """Return the one spelling of an IP address; "" for what is none (a Unix socket's peer)."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])  # without its zone
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
