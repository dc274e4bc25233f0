"""Reconciling: what a dead worker or a lost message left behind becomes `new` again."""

from ledger.broker import Broker
from ledger.store import Store


def reconcile(store: Store, broker: Broker, *, lost_s: float, stale_s: float) -> int:
    """Put back jobs whose lease ran out or whose message is lost; returns how many.

    A queued job is lost when it is older than `lost_s` while nothing waits or is
    unacknowledged in Redis, or older than `stale_s` while a worker for its model is alive:
    without one, nobody could have taken it. Raises BrokerUnreachable, after the leases.
    """
    num_back = store.queue.reclaim()
    for model in store.queue.queued_models():
        if store.workers.live(model):
            num_back += store.queue.requeue(model, older_than_s=stale_s)
        if broker.depth(model) == 0:
            num_back += store.queue.requeue(model, older_than_s=lost_s)
    return num_back
