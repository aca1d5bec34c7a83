"""Where the page is found. Imports nothing heavy, so that an address that is taken is said at once."""

from __future__ import annotations

import ipaddress
import socket

from luthier.errors import OutputError


def listen(host: str, port: int) -> socket.socket:
    """Take an address before anything slow begins.

    Raises:
        OutputError: it is taken, or there is none such.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()  # the page is opened at 127.0.0.1
        return socket.create_server((host, port), family=family, dualstack_ipv6=both)
    except OSError as error:
        raise OutputError(
            f"{host}:{port}: cannot be listened on ({error.strerror or error}). Is another studio open? "
            f"Try --port {port + 1}."
        ) from error


def page_url(listener: socket.socket) -> str:
    """Where the page is found from this computer."""
    host, port = listener.getsockname()[:2]
    if ipaddress.ip_address(host).is_unspecified:
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
