"""Whether the API's port is free, asked before anything slow is started."""

from __future__ import annotations

import socket

from concert.failures import Failed
from concert.settings import Settings


def require_free(settings: Settings) -> None:
    """Raises Failed. Another process may still take the port a moment later."""
    place = (settings.http_host, settings.http_port)
    try:
        with socket.create_server(place):
            return
    except OSError as refusal:
        raise Failed(
            f"The API cannot listen on {place[0]}:{place[1]}: {refusal.strerror}.",
            "Set CONCERT_HTTP_PORT to a free port, or to 0 for any.",
        ) from None
