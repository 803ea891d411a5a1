"""Asks the service of this container whether it is ready: exit status 0 or 1, and in a line why.

Run by the image's health check every few seconds, so it loads next to nothing.
"""

import os
import socket
import sys

PATH = "/health/ready"
ANSWER_SECONDS = 8.0
"""Readiness asks its own dependencies, each with a limit below this."""

REASON_BYTES = 4096


def ask(port: int) -> tuple[int, str]:
    """Status and body of the service's readiness probe. Raises OSError when there is no answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS) as connection:
        connection.sendall(f"GET {PATH} HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        received = b""
        while len(received) < REASON_BYTES and (part := connection.recv(REASON_BYTES)):
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    if len(words) < 2 or not words[1].isdigit():
        raise OSError("the answer is not HTTP")
    return int(words[1]), body.decode(errors="replace")


def main() -> int:
    """Ask, say what was answered, and return the exit status."""
    port = os.environ.get("PORT", "")
    if not port.isdecimal():
        print("PORT is not set: this container has no service to ask")
        return 1
    try:
        status, body = ask(int(port))
    except OSError as error:
        print(f"no answer on port {port}: {error}")
        return 1
    print(f"{status} {body}")
    return 0 if status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
