"""Encrypts what the database must be able to give back, with a key that is not in the database."""

import hmac
import logging
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import TYPE_CHECKING

from ttsai_server.errors import NotReady
from ttsai_server.settings import Settings

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

logger = logging.getLogger(__name__)

KEY_FILE = "secret.key"
OTHER_KEY = (
    "What is encrypted in the database (webhook secrets, recordings of saved voices) is so with another key than this "
    "server's. All servers on a database need the same store.secret_key: the content of secret.key in the data folder "
    "of the server that made them."
)
OWN_KEY = (
    "webhook secrets and recordings are encrypted with a key of this machine alone, %s; other servers on the same "
    "database need it as their store.secret_key"
)


class SecretBox:
    """Fernet: AES-128 in CBC mode, and HMAC-SHA256 (the Fernet specification, as in the package cryptography)."""

    def __init__(self, settings: Settings) -> None:
        """The key is `store.secret_key`, or in the file secret.key of the data folder, made at the first use."""
        self._settings = settings

    def seal(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """What was sealed. Raises NotReady if that was with another key."""
        return self._opened(sealed.encode()).decode()

    def seal_file(self, content: bytes) -> bytes:
        """As `seal`, without the third that text takes more."""
        return urlsafe_b64decode(self._fernet.encrypt(content))

    def open_file(self, sealed: bytes) -> bytes:
        """What `seal_file` was given. Raises as `open`."""
        return self._opened(urlsafe_b64encode(sealed))

    def derived(self, purpose: str) -> str:
        """A secret, 64 hexadecimal digits, that all servers with this key have, and that does not reveal the key."""
        return hmac.digest(self._key().encode(), purpose.encode(), "sha256").hex()

    def _opened(self, token: bytes) -> bytes:
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet.decrypt(token)
        except InvalidToken:
            raise NotReady(OTHER_KEY) from None

    @cached_property
    def _fernet(self) -> "Fernet":
        from cryptography.fernet import Fernet

        return Fernet(urlsafe_b64encode(sha256(self._key().encode()).digest()))

    def _key(self) -> str:
        if self._settings.store.secret_key:
            return self._settings.store.secret_key
        file = self._settings.data_dir / KEY_FILE
        if self._settings.store.url.startswith("postgres"):
            logger.warning(OWN_KEY, file)
        if not file.exists():
            _make(file)
        return file.read_text().strip()


def _make(file: Path) -> None:
    """Create the file with a new key, whole or not at all; of several processes, one does."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(f".{token_hex(4)}")
    with open(draft, "x", opener=_private) as new:
        new.write(token_urlsafe(32))
    with suppress(FileExistsError):
        os.link(draft, file)
    draft.unlink()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
