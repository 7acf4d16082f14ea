"""A hub of models and data sets on this machine: enough of the real one's protocol for its client."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import shutil
import tempfile
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
    writers: frozenset[str] = frozenset()
    """Tokens that may make repositories of data sets and write into them."""

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body for one path."""
        found = re.match(
            r"/(?:api/models/|api/datasets/|datasets/)?([^/]+/[^/]+)"
            r"(?:/(resolve|revision|tree)/([^/]+)(?:/(.*))?)?$",
            path,
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
        if path.startswith("/api/datasets/") and found[2] == "tree":
            return listed(folder)
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

    def take(self, path: str, token: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """What is posted: a new repository, or a commit of small files into one."""
        if path == "/api/validate-yaml":
            return as_json({"errors": [], "warnings": []})
        if token not in self.writers:
            return refusal(401, "")
        if path == "/api/repos/create":
            record = json.loads(body)
            name = f"{record['organization']}/{record['name']}"
            place = {"url": f"{self.url}/datasets/{name}"}
            if name in self.repositories:
                return as_json(place, 409)
            folder = Path(tempfile.mkdtemp(prefix="fake-hub-"))
            self.repositories[name] = Repository({"0" * 40: folder}, {"main": "0" * 40})
            return as_json(place)
        found = re.match(r"/api/datasets/([^/]+/[^/]+)/(preupload|commit)/([^/]+)$", path)
        if found is None or found[1] not in self.repositories:
            return refusal(404, "RepoNotFound")
        if found[2] == "preupload":
            files = [each["path"] for each in json.loads(body)["files"]]
            small = {"uploadMode": "regular", "shouldIgnore": False}
            return as_json({"files": [{"path": path, **small} for path in files]})
        return self._commit(found[1], found[3], body)

    def _commit(self, name: str, branch: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        repository = self.repositories[name]
        commit = hashlib.sha1(body).hexdigest()
        folder = Path(tempfile.mkdtemp(prefix="fake-hub-"))
        shutil.copytree(repository.commits[repository.branches[branch]], folder, dirs_exist_ok=True)
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                content = base64.b64decode(line["value"]["content"])
                (folder / line["value"]["path"]).write_bytes(content)
        repository.commits[commit] = folder
        repository.branches[branch] = commit
        place = f"{self.url}/datasets/{name}/commit/{commit}"
        return as_json({"commitUrl": place, "commitOid": commit, "success": True})

    def _about(self, found: Any, commit: str, folder: Path) -> tuple[int, dict[str, str], bytes]:
        files = [{"rfilename": file.name} for file in sorted(folder.iterdir())]
        if found[2] == "tree":
            return refusal(404, "EntryNotFound")
        about = {"id": found[1], "modelId": found[1], "sha": commit, "siblings": files, "tags": []}
        return 200, {"Content-Type": "application/json"}, json.dumps(about).encode()


def listed(folder: Path) -> tuple[int, dict[str, str], bytes]:
    """All files of a data set, also those in folders."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    rows = [
        {
            "type": "file",
            "path": path.relative_to(folder).as_posix(),
            "size": path.stat().st_size,
            "oid": hashlib.sha1(path.read_bytes()).hexdigest(),
        }
        for path in files
    ]
    return 200, {"Content-Type": "application/json"}, json.dumps(rows).encode()


def as_json(record: dict[str, Any], status: int = 200) -> tuple[int, dict[str, str], bytes]:
    """An answer that is a JSON object."""
    return status, {"Content-Type": "application/json"}, json.dumps(record).encode()


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

        def do_POST(self) -> None:
            hub.asked.append(f"POST {self.path}")
            body = self.rfile.read(int(self.headers["Content-Length"]))
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            status, headers, answer = hub.take(self.path, token, body)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(answer))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

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
