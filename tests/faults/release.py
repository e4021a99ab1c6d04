"""The command line of the broken release: `python -m tests.faults.release 0 worker`."""

from __future__ import annotations

import sys

import concert.worker
from tests.faults.broken import BrokenReferral

if __name__ == "__main__":
    from concert.cli import main

    setattr(concert.worker, "ReferralWorkflow", BrokenReferral)  # noqa: B010 - another class of the same name
    sys.argv[:] = ["concert", *sys.argv[2:]]
    main()
