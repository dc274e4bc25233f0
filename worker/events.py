"""Celery's events, sent so that Flower sees every one."""

from typing import Any

from celery.app.events import Events
from celery.events.dispatcher import EventDispatcher


class DirectDispatcher(EventDispatcher):  # type: ignore[misc]
    """Sends each event at once, under Celery's own lock.

    Celery gathers task events and empties the list after publishing it; what a pool thread
    adds in between is lost, and Flower shows a finished task as started for ever.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options | {"buffer_group": None})


class DirectEvents(Events):  # type: ignore[misc]
    """Makes Celery use it."""

    dispatcher_cls = DirectDispatcher
