"""The command line, from its first moment: also `python -m concert`, where no script is installed."""

from __future__ import annotations

import os
from typing import NoReturn


def main() -> NoReturn:
    """Loading takes a moment; who interrupts it then gets no traceback."""
    try:
        from concert.cli import main as run
    except KeyboardInterrupt:
        os._exit(130)
    run()


if __name__ == "__main__":
    main()
