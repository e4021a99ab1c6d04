"""Run by tests as a process of its own: `guest DIRECTORY` starts both servers, says so, and waits."""

import asyncio
import json
import sys
from pathlib import Path

from concert.embedded import EmbeddedPostgres, EmbeddedTemporal


async def main(directory: Path) -> None:
    postgres = EmbeddedPostgres(directory, durable=False)
    temporal = EmbeddedTemporal(directory)
    await postgres.start()
    await temporal.start()
    sys.stdout.write(json.dumps({"postgres": postgres.pid, "temporal": temporal.pid}) + "\n")
    sys.stdout.flush()
    try:
        await asyncio.Event().wait()
    finally:
        await temporal.stop()
        await postgres.stop()


if __name__ == "__main__":
    try:
        asyncio.run(main(Path(sys.argv[1])))
    except KeyboardInterrupt:
        sys.exit(130)
