"""A receiver of webhooks on loopback, for tests that want to see what was sent."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.fakes.github.webhooks import encode


@dataclass(frozen=True)
class Received:
    """What came.

    Attributes:
        headers: names in lower case.
    """

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Takes what is sent, and answers with `status`.

    Attributes:
        go: cleared, nothing is answered before it is set.
    """

    url: str = ""
    status: int = 202
    answer: dict[str, Any] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    go: threading.Event = field(default_factory=threading.Event)


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    """A receiver that is there until the end of the block, on any free port for 0."""
    receiver = Receiver()
    receiver.go.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.received.append(Received(self.path, headers, body))
            receiver.go.wait(30)
            answer = encode(receiver.answer)
            self.send_response(receiver.status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            return

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}/webhook"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.go.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
