"""A hub of models on this machine: enough of the real one's protocol for its own client to believe."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

__all__ = ["FakeHub", "Repository", "serving"]


@dataclass
class Repository:
    """One repository.

    Attributes:
        commits: commit -> the folder with its files.
        branches: name -> commit.
        moves: after config.json was read once, ``main`` points here.
        gated: nobody has accepted its licence.
    """

    commits: dict[str, Path]
    branches: dict[str, str]
    moves: str | None = None
    gated: bool = False


@dataclass
class FakeHub:
    """Repositories by id, and what was asked of them."""

    repositories: dict[str, Repository]
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body for one path."""
        found = re.match(
            r"/(?:api/models/)?([^/]+/[^/]+)(?:/(resolve|revision|tree)/([^/]+)(?:/(.*))?)?$", path
        )
        repository = self.repositories.get(found[1]) if found else None
        if found is None or repository is None:
            return refusal(401, "RepoNotFound")
        if repository.gated and not path.startswith("/api/"):
            return refusal(401, "GatedRepo")
        name = found[3] or "main"
        commit = repository.branches.get(name, name)
        if commit not in repository.commits:
            return refusal(404, "RevisionNotFound")
        folder = repository.commits[commit]
        if path.startswith("/api/"):
            return self._about(found, commit, folder)
        file = folder / found[4]
        if not file.is_file():
            return refusal(404, "EntryNotFound", {"X-Repo-Commit": commit})
        if file.name == "config.json" and repository.moves is not None:
            repository.branches["main"] = repository.moves
        body = file.read_bytes()
        etag = hashlib.sha256(body).hexdigest()
        return 200, {"X-Repo-Commit": commit, "ETag": f'"{etag}"'}, body

    def _about(self, found: Any, commit: str, folder: Path) -> tuple[int, dict[str, str], bytes]:
        files = [{"rfilename": file.name} for file in sorted(folder.iterdir())]
        if found[2] == "tree":
            return refusal(404, "EntryNotFound")
        about = {"id": found[1], "modelId": found[1], "sha": commit, "siblings": files, "tags": []}
        return 200, {"Content-Type": "application/json"}, json.dumps(about).encode()


def refusal(
    status: int, code: str, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    """An error as the hub words it."""
    return status, {"X-Error-Code": code, "X-Error-Message": code, **(headers or {})}, b""


@contextlib.contextmanager
def serving(hub: FakeHub) -> Iterator[FakeHub]:
    """The hub at ``hub.url`` while the block runs; ``/stop`` ends it early."""

    class Handler(BaseHTTPRequestHandler):
        # HTTP/1.0: every answer ends its connection, so that after the end none is left open
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            hub.asked.append(f"{self.command} {path}")
            if path == "/stop":
                status, headers, body = 200, {}, b""
                threading.Thread(target=stop).start()
            else:
                status, headers, body = hub.answer(path)
            wanted = re.match(r"bytes=(\d+)-(\d+)?$", self.headers.get("Range", ""))
            if wanted and status == 200:
                last = int(wanted[2]) + 1 if wanted[2] else len(body)
                headers = {**headers, "Content-Range": f"bytes {wanted[1]}-{last - 1}/{len(body)}"}
                status, body = 206, body[int(wanted[1]) : last]
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True

    def stop() -> None:
        server.shutdown()
        server.server_close()

    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        if thread.is_alive():
            stop()
        thread.join()
