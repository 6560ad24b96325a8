"""Client secrets: short-lived keys that an account gives to a web page or an app, each for realtime sessions only.

A secret is the account, the key that made it and the session's configuration, sealed: nothing is stored.
"""

import time
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson

from ttsai_server.domain import Caller
from ttsai_server.errors import BadRequest, NotReady, Unauthorized
from ttsai_server.services.accounts import Accounts
from ttsai_server.store.secret_box import SecretBox

CLIENT_SECRET = "ek_"
"""What client secrets begin with."""
LONGEST = 32_000
"""Characters of a secret: it is sent in a header."""


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """What a secret says."""

    caller: Caller
    expires_at: int
    """Unix seconds; a session that has begun goes on."""
    session: Mapping[str, Any]
    """The configuration that a session with it begins with, as `session.update` takes it."""


class ClientSecrets:
    def __init__(self, accounts: Accounts, box: SecretBox) -> None:
        self._accounts = accounts
        self._box = box

    def create(self, caller: Caller, session: Mapping[str, Any], seconds: int) -> tuple[str, int]:
        """A secret for a checked configuration. → it, and when it expires, Unix seconds. Blocking.

        Raises BadRequest for a configuration that is too long.
        """
        expires_at = int(time.time()) + seconds
        content = {"caller": asdict(caller), "expires_at": expires_at, "session": session}
        sealed = self._box.seal(urlsafe_b64encode(zlib.compress(orjson.dumps(content))).decode())
        if len(sealed) > LONGEST:
            raise BadRequest("The session's configuration is too long for a client secret.", param="session")
        # without padding, for browsers send it as a subprotocol, which may not contain `=`
        return CLIENT_SECRET + sealed.rstrip("="), expires_at

    async def redeem(self, plain: str) -> ClientSecret:
        """Raises Unauthorized for a secret that is none, or expired, or made by a key that has been revoked since."""
        secret = self.open(plain)
        if secret.caller.key:
            return replace(secret, caller=await self._accounts.check_key(secret.caller))
        return secret

    def open(self, plain: str) -> ClientSecret:
        """Raises Unauthorized for a secret that is none, or expired."""
        sealed = plain[len(CLIENT_SECRET) :]
        try:
            content = orjson.loads(
                zlib.decompress(urlsafe_b64decode(self._box.open(sealed + "=" * (-len(sealed) % 4))))
            )
        except (NotReady, ValueError):
            raise Unauthorized("The client secret is unknown.") from None
        if content["expires_at"] <= time.time():
            raise Unauthorized("The client secret has expired.")
        return ClientSecret(Caller(**content["caller"]), content["expires_at"], content["session"])
