"""`python -P -m worker`: one GPU worker, until a signal ends it."""

import logging
import sys

from ledger.errors import BrokerUnreachable, LedgerUnreachable, NightpressError
from ledger.settings import load_settings
from worker.engine import EngineError
from worker.runtime import run_worker

EXIT_INPUT = 2
EXIT_UNREACHABLE = 3


def main() -> int:
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        return run_worker(load_settings())
    except (LedgerUnreachable, BrokerUnreachable) as error:
        print(f"nightpress: {error}", file=sys.stderr)
        return EXIT_UNREACHABLE
    except (NightpressError, EngineError) as error:
        print(f"nightpress: {error}", file=sys.stderr)
        return EXIT_INPUT


if __name__ == "__main__":
    sys.exit(main())
