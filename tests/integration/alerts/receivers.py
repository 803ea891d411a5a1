"""Who is told of alerts: a web server and a mail server that are really there, and do what a test tells them."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler

from ops.local import ports


class Posted(NamedTuple):
    """A request, with the names of its headers in lower case."""

    headers: Mapping[str, str]
    body: bytes


class WebReceiver:
    """`answers` are those of the next requests, a status and headers each; after them 204."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.posted: list[Posted] = []
        self.url = ""

    def take(self, posted: Posted) -> tuple[int, dict[str, str]]:
        self.posted.append(posted)
        return self.answers.pop(0) if self.answers else (204, {})


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    """Connections that come at once: the kernel resets some of those that find no place."""


@contextmanager
def web_receiver() -> Iterator[WebReceiver]:
    receiver = WebReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, headers = receiver.take(Posted({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *_: Any) -> None:  # noqa: A002
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/hooks/alerts"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield receiver
    server.shutdown()
    server.server_close()
    thread.join()


class MailReceiver(MessageHandler):
    """`answers` are those to the next messages, after them 250; `refused` recipients are never taken."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[str] = []
        self.refused: dict[str, str] = {}
        self.messages: list[Message] = []
        self.url = ""

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.answers:
            return self.answers.pop(0)
        return await super().handle_DATA(server, session, envelope)

    def handle_message(self, message: Message) -> None:
        self.messages.append(message)


@contextmanager
def mail_receiver() -> Iterator[MailReceiver]:
    receiver = MailReceiver()
    port = ports.choose_free()
    controller = Controller(receiver, hostname="127.0.0.1", port=port)
    controller.start()
    receiver.url = f"smtp://127.0.0.1:{port}"
    yield receiver
    controller.stop()
