"""How servers claim webhook deliveries; see `leases`. Each function runs inside a transaction of the caller."""

from collections import Counter
from collections.abc import Collection, Mapping

from sqlalchemy import Connection, bindparam, func, literal_column, select, update

from ttsai_server.store.leases import Holder, Leases
from ttsai_server.store.tables import webhook_deliveries
from ttsai_server.store.webhooks import COLUMNS, PENDING, Delivery, deliveries

LEASES = Leases(webhook_deliveries, webhook_deliveries.c.state == literal_column(f"'{PENDING}'"))
"""The state is a literal, as in the partial index: with a bound parameter neither database would use the index."""

_BY_ID = select(*COLUMNS).where(webhook_deliveries.c.id.in_(bindparam("ids", expanding=True)))


def claim(
    connection: Connection, holder: Holder, running: Collection[Delivery], most: int, most_each: int, now: float
) -> list[Delivery]:
    """Lease deliveries whose next attempt is due. → those deliveries, with their past attempts.

    Args:
        running: the deliveries that the holder already works on.
        most: how many it may work on at the same time, those in `running` included.
        most_each: how many of them may be of one account.
        now: Unix seconds.
    """
    working, ids = Counter(delivery.account for delivery in running), list[str]()
    full = [account for account, count in working.items() if count >= most_each]
    order = (webhook_deliveries.c.next_attempt, webhook_deliveries.c.id)
    place = func.row_number().over(partition_by=webhook_deliveries.c.account, order_by=order).label("place")
    due = (
        select(webhook_deliveries.c.id, place)
        .where(LEASES.unfinished, webhook_deliveries.c.next_attempt <= now, LEASES.is_free(now))
        .where(webhook_deliveries.c.id.not_in([delivery.id for delivery in running]))
        .where(webhook_deliveries.c.account.not_in(full))
        .subquery()
    )
    first = (
        select(webhook_deliveries.c.id, webhook_deliveries.c.account)
        .join(due, due.c.id == webhook_deliveries.c.id)
        .where(due.c.place <= most_each)
        .order_by(due.c.place, *order)
        .limit(most - len(running))
        .with_for_update(of=webhook_deliveries, skip_locked=True)
    )
    for id, account in connection.execute(first):
        if working[account] < most_each:
            working[account] += 1
            ids.append(id)
    if not ids:
        return []
    lease: Mapping[str, object] = {"holder": holder.process, "lease_until": now + holder.seconds}
    connection.execute(update(webhook_deliveries).where(webhook_deliveries.c.id.in_(ids)).values(**lease))
    return deliveries(connection, _BY_ID, {"ids": ids})
