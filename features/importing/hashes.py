"""Lucia's password hashes. They are only verified: log-in replaces them with current ones."""

import hashlib
import hmac
import re
from typing import Any

from passlib.utils import to_bytes, to_unicode
from passlib.utils.handlers import MinimalHandler


class LuciaScrypt(MinimalHandler):
    """Lucia v2: "s2:salt:hex", scrypt with r=16. Lucia v1: "salt:hex", r=8. Both: N=16384, p=1,
    the salt used as text, 64 bytes in lower-case hex. Source: Lucia v2, utils/crypto,
    generateScryptKey and validateLuciaPasswordHash.
    """

    name = "lucia_scrypt"
    setting_kwds = ()
    context_kwds = ()
    form = re.compile("(s2:)?([^:]+):([0-9a-f]{128})")

    @classmethod
    def identify(cls, hash: str | bytes) -> bool:  # noqa: A002 - passlib's name
        """Return whether a stored hash has one of the two forms."""
        return bool(cls.form.fullmatch(to_unicode(hash)))

    @classmethod
    def verify(cls, secret: str | bytes, hash: str | bytes, **_context: Any) -> bool:  # noqa: A002
        """Return whether `secret` (NFKC already) is the password of `hash`."""
        match = cls.form.fullmatch(to_unicode(hash))
        if match is None:
            raise ValueError("not a hash of Lucia")
        version, salt, wanted = match.groups()
        computed = hashlib.scrypt(
            to_bytes(secret), salt=salt.encode(), n=16_384, r=16 if version else 8, p=1,
            maxmem=2**26, dklen=64,
        )  # fmt: skip
        return hmac.compare_digest(computed.hex(), wanted)
