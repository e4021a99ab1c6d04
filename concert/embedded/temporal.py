"""Temporal's development server as our child, with its state in one SQLite file."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from concert.embedded.binaries import free_port, temporal_program
from concert.embedded.child import Child, spawn
from concert.embedded.directory import CannotStart, Lock, make_directory, outlive_leftovers

# The default commits with an fsync each; this is 3.5 to 5.5 times as fast and survives a kill. After a power
# failure the last moments may be missing, which the record makes good.
PRAGMAS = ("journal_mode=wal", "synchronous=1")

# A workflow whose code fails shows as such after two failed tasks (about 10 s), as deploy/temporal/ sets it.
TOLD_AFTER = "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute=2"

ATTEMPTS = 4  # at its ports, of which it chooses some itself


class EmbeddedTemporal:
    """One server under `data_dir`, with the namespaces given.

    `port=0` chooses a free port at the first start and keeps it over restarts of the same object.
    `ui_port=None` leaves Temporal's own pages out; 0 chooses a free port for them. `options` are further
    arguments of `temporal server start-dev`. It keeps finished workflows for a day: the record remembers,
    not Temporal.
    """

    def __init__(
        self,
        data_dir: Path,
        port: int = 0,
        namespaces: Sequence[str] = ("concert",),
        *,
        ui_port: int | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self.data_dir = data_dir.expanduser().absolute()
        self.directory = self.data_dir / "temporal"
        self.port = port
        self.namespaces = tuple(namespaces)
        self.ui_port = ui_port
        self.options = tuple(options)
        self._fixed_port = bool(port)
        self._http_port = 0
        self._lock = Lock(self.data_dir / "temporal.lock")
        self._child: Child | None = None

    @property
    def file(self) -> Path:
        """Its whole state. Losing it loses no fact: `concert rehydrate` starts the workflows again."""
        return self.directory / "temporal.db"

    @property
    def address(self) -> str:
        """`host:port` for clients and workers."""
        self._running()
        return f"127.0.0.1:{self.port}"

    @property
    def ui_url(self) -> str | None:
        """Of Temporal's own pages, if there are any."""
        return f"http://127.0.0.1:{self.ui_port}" if self.ui_port else None

    @property
    def pid(self) -> int:
        """Of the server; all its parts are in one process."""
        return self._running().pid

    @property
    def running(self) -> bool:
        """Whether the process lives; says nothing about its health."""
        return self._child is not None and self._child.running

    async def ended(self) -> int:
        """Waits until the process is gone, whoever ended it."""
        return await self._running().ended()

    async def start(self) -> None:
        """Every namespace answers when it returns. Running: changes nothing. Killed: goes on from its file.

        Raises CannotStart if another instance holds the directory, or if the server does not come up; the
        message then ends with its log.
        """
        if self.running:
            return
        make_directory(self.data_dir)
        self._lock.take()
        try:
            self.directory.mkdir(mode=0o700, exist_ok=True)
            program = temporal_program()
            await outlive_leftovers(self.directory, program.name)
            await self._serve(program)
        except BaseException:
            await self.stop()
            raise

    async def kill(self) -> None:
        """As a crash would: SIGKILL; the pid is gone when it returns. For tests; `start` brings it back."""
        await self._running().stop()

    async def stop(self) -> None:
        """Waits for the pid: the next server on the file may start at once. At most about two seconds."""
        if self._child is not None:
            await self._child.stop((signal.SIGTERM, 1.5))
            self._child = None
        self._lock.release()

    async def _serve(self, program: Path) -> None:
        """Tries again if a port is taken: another one if it may choose, else the same a moment later."""
        for attempt in range(1, ATTEMPTS + 1):
            if not self._fixed_port:
                self.port = free_port()
            child = self._child = await spawn(
                [program, *self._arguments()],
                log=self.data_dir / "temporal.log",
                directory=self.directory,
                dies_by=signal.SIGKILL,  # at once: a second server on the same file would not be refused
            )
            if await self._ready(child):
                self._fixed_port = True
                return
            if "already in use" not in child.tail() or attempt == ATTEMPTS:
                raise CannotStart(f"Temporal did not start on port {self.port}.", f"Its last words:\n{child.tail()}")
            await asyncio.sleep(0.2)

    def _arguments(self) -> list[str]:
        self._http_port = free_port()
        if self.ui_port == 0:
            self.ui_port = free_port()
        return [
            "server",
            "start-dev",
            "--ip=127.0.0.1",
            f"--port={self.port}",
            f"--http-port={self._http_port}",
            f"--metrics-port={free_port()}",
            f"--ui-port={self.ui_port}" if self.ui_port else "--headless",
            f"--db-filename={self.file}",
            *(f"--sqlite-pragma={pragma}" for pragma in PRAGMAS),
            *(f"--namespace={name}" for name in self.namespaces),
            f"--dynamic-config-value={TOLD_AFTER}",
            "--log-level=error",
            *self.options,
        ]

    async def _ready(self, child: Child, patience: float = 30.0) -> bool:
        """True when every namespace answers; False when the server has ended.

        Asks over HTTP: the SDK's runtime, once loaded, can abort the interpreter at its exit.
        """
        deadline = time.monotonic() + patience
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            while child.running:
                if await self._answers(client):
                    return True
                if time.monotonic() > deadline:
                    raise CannotStart(f"Temporal gave no answer in {patience:.0f} s.", f"See {child.log}.")
                await asyncio.sleep(0.03)
        return False

    async def _answers(self, client: httpx.AsyncClient) -> bool:
        try:
            for name in self.namespaces:
                answer = await client.get(f"http://127.0.0.1:{self._http_port}/api/v1/namespaces/{name}")
                if answer.status_code != httpx.codes.OK:
                    return False
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except (httpx.TransportError, OSError):
            return False
        writer.close()
        return True

    def _running(self) -> Child:
        if self._child is None:
            raise RuntimeError("the embedded Temporal has not been started")
        return self._child
