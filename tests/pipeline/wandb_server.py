"""A W&B server as far as saving a dashboard goes, so that the real client can be tried without an account."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

import pytest
import wandb


class Server:
    """Context manager that serves on a free port of this machine.

    Args:
        refuses: answers that the permission is missing.
    """

    def __init__(self, refuses: bool) -> None:
        self.saved: list[dict[str, Any]] = []
        self.refuses = refuses
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Server:
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        wandb.teardown()  # its process keeps the address it was started with
        self._http.shutdown()
        self._http.server_close()

    def log_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make this server the one that W&B's client talks to."""
        wandb.teardown()
        monkeypatch.setenv("WANDB_BASE_URL", self.address)
        monkeypatch.setenv("WANDB_API_KEY", "0" * 40)

    def _answer(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        if "upsertView" not in query:  # who is asking
            return {"data": {"viewer": {"id": "1", "username": "somebody", "entity": "team", "flags": "{}"}}}
        if self.refuses:
            return {"data": {"upsertView": None}, "errors": [{"message": "permission denied"}]}
        self.saved.append(variables)
        return {"data": {"upsertView": {"view": {"id": "1", "name": variables["name"]}, "inserted": True}}}

    def _handler(server) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = b""
                if self.path == "/graphql":  # the client sends its own telemetry elsewhere
                    asked = json.loads(body)
                    found = server._answer(asked["query"], asked.get("variables") or {})
                    answer = json.dumps(found).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *values: Any) -> None:
                """Say nothing."""

        return Handler
