"""A network between two parts that fails as told: it passes, goes silent, resets, or cuts after a COMMIT."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress

from tests.house import Loop

_RESET = struct.pack("ii", 1, 0)


class Proxy:
    """127.0.0.1:port → 127.0.0.1:target, for connections that are open already too.

    `cut_commits` counts down: so many connections are reset right after a COMMIT went through, before its answer.
    """

    def __init__(self, loop: Loop, target: int, port: int = 0) -> None:
        self.loop, self.target = loop, target
        self._passing = asyncio.Event()
        self._passing.set()
        self.cut_commits = 0
        self.cut = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.server = loop.run(asyncio.start_server(self._serve, "127.0.0.1", port))
        self.port: int = self.server.sockets[0].getsockname()[1]

    def hold(self) -> None:
        """A black hole: what is sent is acknowledged and goes no further, until `heal`."""
        self.loop.loop.call_soon_threadsafe(self._passing.clear)

    def heal(self) -> None:
        self.loop.loop.call_soon_threadsafe(self._passing.set)

    def reset(self) -> None:
        """Every open connection ends at once, without a goodbye."""
        self.loop.run(self._reset())

    def close(self) -> None:
        self.loop.run(self._close())

    async def _reset(self) -> None:
        for writer in list(self._writers):
            _abort(writer)

    async def _close(self) -> None:
        self.server.close()
        await self._reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except (OSError, asyncio.CancelledError):
            _abort(writer)
            return
        pair = {writer, far_writer}
        self._writers |= pair
        try:
            await asyncio.gather(
                self._copy(reader, far_writer, writer, near=True), self._copy(far_reader, writer, far_writer)
            )
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._writers -= pair
            for each in pair:
                _abort(each)

    async def _copy(
        self, reader: asyncio.StreamReader, to: asyncio.StreamWriter, back: asyncio.StreamWriter, *, near: bool = False
    ) -> None:
        while piece := await reader.read(65536):
            await self._passing.wait()
            to.write(piece)
            await to.drain()
            if near and self.cut_commits > 0 and b"COMMIT" in piece:
                self.cut_commits -= 1
                self.cut += 1
                _abort(back)
                await asyncio.sleep(0.3)
                break
        to.close()


def _abort(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        raw = writer.get_extra_info("socket")
        if raw is not None and raw.fileno() >= 0:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
