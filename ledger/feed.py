"""Feeding: jobs go from the ledger into Redis, a window at a time."""

from ledger.broker import Broker
from ledger.errors import BrokerUnreachable
from ledger.store import Store


def feed(store: Store, broker: Broker, *, window: int) -> int:
    """Announce what each model's window has room for; returns the number of jobs announced.

    Committed first, then published: a crash between the two leaves jobs that the reconciler
    finds. A failed publish puts all of its shards back; what was delivered nonetheless
    claims nothing. Two feeders at once do no harm. Raises BrokerUnreachable.
    """
    num_fed = 0
    for model in store.queue.waiting_models():
        shards = store.queue.feed(model, window=window)
        try:
            broker.publish(model, shards)
        except BrokerUnreachable:
            store.queue.unfeed(job_id for shard in shards for job_id in shard.job_ids)
            raise
        num_fed += sum(len(shard.job_ids) for shard in shards)
    return num_fed
