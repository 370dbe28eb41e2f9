"""Who acts, and from where."""

import ipaddress
from dataclasses import dataclass
from typing import Any

USER_AGENT_MAX = 255


@dataclass(frozen=True)
class Actor:
    """A visitor in a browser; without arguments: the operator, at a command line. ip_address:
    canonical text, an IPv4 address inside IPv6 unwrapped. user_agent: as sent, cut. browser_id,
    known_users: from the known-browser cookie; the ids of the users who have logged in from this
    browser before. session: that of a visitor who is logged in, its user joined. post: what a
    feature knows about the form that they sent.
    """

    ip_address: str = ""
    user_agent: str = ""
    browser_id: str = ""
    known_users: tuple[str, ...] = ()
    session: Any = None
    post: Any = None

    @classmethod
    def visitor(cls, ip_address: str | None, user_agent: str, **options: Any) -> "Actor":
        """Return the visitor with this peer address (in any spelling) and User-Agent header."""
        address = canonical_address(ip_address or "")
        # Some servers pass bytes that are no text as lone surrogates; a NUL only SQLite stores.
        agent = user_agent.encode(errors="replace").decode().replace("\0", "?")
        return cls(address, agent[:USER_AGENT_MAX], **options)

    @property
    def network(self) -> str:
        """What counts as one address: /32 of IPv4, /64 of IPv6, which a household has whole."""
        if ":" not in self.ip_address:
            return self.ip_address
        return str(ipaddress.ip_network(f"{self.ip_address}/64", strict=False))

    def other_than(self, user: Any) -> str | None:
        """Return the id of the user who acts, None if that is the owner of the account, or no
        user at all: the operator is known by having neither address nor browser.
        """
        actor: str | None = self.session and self.session.user_id
        return None if user is not None and actor == user.id else actor


OPERATOR = Actor()


def canonical_address(text: str) -> str:
    """Return the one spelling of an IP address; "" for anything else (a Unix socket's peer)."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])  # without its zone
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
