"""Everything that runs on one machine: Redis, worker, feeder and Flower, kept alive."""

from producer.services.machine import down, service_specs, up
from producer.services.service import ServiceFailed, ServiceSpec
from producer.services.status import ServiceStatus, ps

__all__ = ["ServiceFailed", "ServiceSpec", "ServiceStatus", "down", "ps", "service_specs", "up"]
