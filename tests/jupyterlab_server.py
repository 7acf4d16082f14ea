"""A JupyterLab of its own: its files in one folder, its port a free one, its end with the test."""

from __future__ import annotations

import importlib.util
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Lab", "jupyterlab"]

_START = 300  # seconds, on a machine with other work


@dataclass(frozen=True)
class Lab:
    """A JupyterLab that runs.

    Attributes:
        port: on this machine.
        token: that it asks for.
        folder: whose notebooks it shows.
    """

    port: int
    token: str
    folder: Path

    def address(self, notebook: str) -> str:
        """Of a notebook of its folder, with nothing else open."""
        return f"http://127.0.0.1:{self.port}/lab/tree/{notebook}?reset&token={self.token}"


@contextmanager
def jupyterlab(folder: Path, home: Path) -> Iterator[Lab]:
    """Start a JupyterLab without a browser, and stop it in the end.

    Args:
        folder: of notebooks.
        home: for settings, signatures and whatever else it writes; a new home trusts no notebook.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    lab = Lab(port, secrets.token_hex(16), folder)
    home.mkdir(exist_ok=True)
    with (home / "server.log").open("w", encoding="utf-8") as log:
        server = subprocess.Popen(
            _command(lab), stdout=log, stderr=log, cwd=folder, env=_environment(home)
        )
        try:
            _wait(lab, server, home / "server.log")
            yield lab
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _command(lab: Lab) -> list[str]:
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": lab.port,
        "ServerApp.port_retries": 0,
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "ServerApp.root_dir": lab.folder,
        "IdentityProvider.token": lab.token,
        "LabApp.expose_app_in_browser": True,
    }
    words = [f"--{name}={value}" for name, value in options.items()]
    beside = _share() / "lab"
    return [
        *(sys.executable, "-m", "jupyterlab", *words),
        *([f"--LabApp.app_dir={beside}"] if beside.is_dir() else []),
    ]


def _share() -> Path:
    """Where the files of JupyterLab lie when it was installed into a folder of its own."""
    spec = importlib.util.find_spec("jupyterlab")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parents[1] / "share" / "jupyter"


def _environment(home: Path) -> dict[str, str]:
    folders = {
        name: str(home / name.lower())
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    }
    return {**os.environ, **folders, "JUPYTER_PATH": str(_share()), "HOME": str(home)}


def _wait(lab: Lab, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _START
    while time.monotonic() < end:
        assert server.poll() is None, log.read_text(encoding="utf-8")[-3000:]
        try:
            address = f"http://127.0.0.1:{lab.port}/api/status?token={lab.token}"
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise AssertionError(f"JupyterLab did not start: {log.read_text(encoding='utf-8')[-3000:]}")
