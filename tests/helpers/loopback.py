"""An HTTP server on the loopback address whose answers a test decides."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

CONTENT = bytes(range(256)) * 20


@dataclass
class Server:
    """A loopback server with one answer to every path that has none of its own, and what it was asked for."""

    address: str = ""
    content: bytes = CONTENT
    resumes: bool = True
    cut_after: int | None = None
    status: int = 200
    ranges: list[str | None] = field(default_factory=list)
    pages: dict[str, bytes] = field(default_factory=dict)
    """Paths with an answer of their own."""


@contextmanager
def serving(state: Server) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers["Range"]
            state.ranges.append(wanted)
            content = state.pages.get(self.path, state.content)
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and state.resumes else 0
            if state.status != 200 or start >= len(content):
                self.send_error(state.status if state.status != 200 else 416)
                return
            body = content[start:]
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: state.cut_after])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (likewise)
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
