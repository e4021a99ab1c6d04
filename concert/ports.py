"""The API's port: asked for before anything slow is started, and taken at the end of it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from concert.failures import Failed
from concert.settings import Settings


def require_free(settings: Settings) -> None:
    """Raises Failed. Another process may still take the port a moment later."""
    with _told(settings), socket.create_server((settings.http_host, settings.http_port)):
        return


def listener(settings: Settings) -> socket.socket:
    """The socket that listens there from now on. Raises Failed."""
    taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        with _told(settings):
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind((settings.http_host, settings.http_port))
            taken.listen()
    except Failed:
        taken.close()
        raise
    return taken


@contextmanager
def _told(settings: Settings) -> Iterator[None]:
    try:
        yield
    except OSError as refusal:
        raise Failed(
            f"The API cannot listen on {settings.http_host}:{settings.http_port}: {refusal.strerror}.",
            "Set CONCERT_HTTP_PORT to a free port, or to 0 for any.",
        ) from None
