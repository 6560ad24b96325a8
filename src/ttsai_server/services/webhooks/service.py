"""The interface to webhooks for the rest of the server.

`check` runs when a job is accepted; `store.webhooks.enter` in the transaction that ends it. Then a server that claims
the delivery when it is due makes the next `attempt` (`jobs.worker`), until one succeeds or it was the last.
"""

import asyncio
import logging
import time
from random import random

from ttsai_server.services.webhooks.client import Outcome, WebhookClient
from ttsai_server.services.webhooks.message import JobEnd, sign
from ttsai_server.services.webhooks.resolver import Resolver
from ttsai_server.services.webhooks.schedule import wait_after
from ttsai_server.services.webhooks.target import check_url
from ttsai_server.settings import Webhooks as WebhookSettings
from ttsai_server.store.db import Database
from ttsai_server.store.secret_box import SecretBox
from ttsai_server.store.webhook_secrets import Secret, WebhookSecrets
from ttsai_server.store.webhooks import DELIVERED, FAILED, PENDING, Attempt, Delivery, WebhookLog

logger = logging.getLogger(__name__)

GONE = 410
JITTER = 0.1
"""A wait is lengthened by a random fraction up to this, so that deliveries that failed together are spread out."""


class Webhooks:
    def __init__(self, settings: WebhookSettings, database: Database, box: SecretBox, resolver: Resolver) -> None:
        """box: encrypts the secrets. resolver: `close` closes it."""
        self._settings = settings
        self._resolver = resolver
        self._client = WebhookClient(settings, resolver)
        self._slots = asyncio.Semaphore(settings.concurrent)
        self._secrets = WebhookSecrets(database, box)
        self._log = WebhookLog(database)

    async def start(self) -> None:
        """Encrypt the secrets that earlier versions stored in plain text."""
        await self._secrets.encrypt_plain()

    def check(self, url: str) -> None:
        """Raises BadRequest, with the param `webhook_url`, if webhooks may not be sent to this URL."""
        check_url(url, self._settings)

    async def open(self, account: str, url: str, end: JobEnd) -> str:
        """Log a delivery, due now. → its id. A second call for the same event keeps the first delivery."""
        delivery = end.delivery(account, url)
        await self._log.open(delivery)
        return delivery.id

    async def attempt(self, delivery: str, number: int) -> float | None:
        """Make attempt `number`, from 1, and log it. → seconds until the next is due; None if there is no next one.

        An attempt that was logged is not repeated, nor is one made at a finished delivery. An attempt that was made but
        not logged, because the server died, is repeated: receivers recognise it by its `webhook-id`.
        """
        found = await self._log.get(delivery)
        if found is None or found.state != PENDING:
            return None
        if number <= len(found.attempts):
            return max(0.0, (found.next_attempt or 0) - time.time())
        return await self._try(found, number)

    async def secret(self, account: str) -> Secret:
        """The secret that signs the account's webhooks. Raises NotFound."""
        return await self._secrets.get(account)

    async def rotate(self, account: str, by: str) -> Secret:
        """Create a new secret; for `webhooks.rotation_hours` the previous one signs too. Raises NotFound.

        by: who does so, for the audit log.
        """
        return await self._secrets.rotate(account, self._settings.rotation_hours * 3600, by)

    async def deliveries(self, account: str, limit: int, before: str | None = None) -> list[Delivery]:
        """The account's deliveries with their attempts, newest first, at most `limit`.

        before: a delivery's id, for only older ones.
        """
        return await self._log.list(account, limit, before)

    async def purge(self) -> int:
        """Delete deliveries older than `webhooks.retention_days`. → how many."""
        return await self._log.purge(time.time() - self._settings.retention_days * 86_400)

    def close(self) -> None:
        self._resolver.close()

    async def _try(self, delivery: Delivery, number: int) -> float | None:
        secrets = (await self._secrets.get(delivery.account)).signing
        async with self._slots:
            started = time.time()
            headers = sign(secrets, delivery.id, started, delivery.payload)
            outcome = await self._client.deliver(delivery.url, headers, delivery.payload)
        wait = _wait(outcome, number)
        state = DELIVERED if outcome.error is None else FAILED if wait is None else PENDING
        if state == FAILED:
            logger.warning("gave up webhook %s after %d attempts: %s", delivery.id, number, outcome.error)
        next_attempt = None if wait is None else time.time() + wait
        attempt = Attempt(number, started, outcome.seconds, outcome.status, outcome.error, outcome.excerpt)
        await self._log.record(delivery.id, attempt, state, next_attempt)
        return wait


def _wait(outcome: Outcome, number: int) -> float | None:
    """Seconds to the next attempt; None if there is no next one."""
    if outcome.error is None or outcome.status == GONE:
        return None
    wait = wait_after(number, outcome.retry_after)
    return None if wait is None else wait * (1 + JITTER * random())
