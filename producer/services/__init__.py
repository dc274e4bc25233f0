"""Everything that runs on one machine: Redis, worker, feeder and Flower, kept alive."""

from producer.services.machine import down, service_specs, up
from producer.services.patience import Patience
from producer.services.service import ServiceFailed, ServiceLate, ServiceSpec
from producer.services.status import ServiceStatus, is_supervised, ps

__all__ = [
    "Patience",
    "ServiceFailed",
    "ServiceLate",
    "ServiceSpec",
    "ServiceStatus",
    "down",
    "is_supervised",
    "ps",
    "service_specs",
    "up",
]
