"""Cutting a connection, as networks do: the caller never learns whether it was heard."""

import socket

from flask import Response, request


def cut_connection() -> Response:
    """Close the caller's socket now; the response returned goes nowhere."""
    connection: socket.socket | None = request.environ.get("werkzeug.socket")
    if connection is not None:
        connection.shutdown(socket.SHUT_RDWR)
    return Response(status=500, headers={"Connection": "close"})
