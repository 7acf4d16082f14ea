"""Addresses, sockets, and the real command."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import closing
from typing import Any

import pytest

from vlmscope.app.serving import USUAL_PORT, Address, check_reach, listening
from vlmscope.app.settings import AppSettings
from vlmscope.errors import BadOptionError

SECONDS = 120


def test_the_address_is_one_that_can_be_opened() -> None:
    assert Address("127.0.0.1", 8420).url == "http://127.0.0.1:8420/"
    assert Address("::1", 1, "/app/").url == "http://[::1]:1/app/"
    shared = Address("0.0.0.0", 9, token="a+b&c")
    assert shared.url == "http://127.0.0.1:9/?token=a%2Bb%26c"
    assert shared.everywhere and shared.outside.startswith(f"http://{socket.gethostname()}:9/")
    assert "a+b" not in repr(shared)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "lab.example"])
def test_other_machines_need_a_token(host: str) -> None:
    with pytest.raises(BadOptionError, match="--token"):
        check_reach(AppSettings(host=host))
    check_reach(AppSettings(host=host, token="secret-enough-for-a-test"))


@pytest.mark.parametrize("token", ["", "two words", "schlüssel", "tab\there"])
def test_a_token_fits_into_a_header(token: str) -> None:
    with pytest.raises(BadOptionError, match="one word"):
        check_reach(AppSettings(token=token))


def test_a_free_port_is_taken_where_none_is_named() -> None:
    with closing(listening("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
        assert port != 0
        with pytest.raises(BadOptionError, match=f"port {port}"):
            listening("127.0.0.1", port)
    with closing(listening("127.0.0.1", None)) as usual:
        with closing(listening("127.0.0.1", None)) as other:
            assert other.getsockname()[1] not in (0, USUAL_PORT, usual.getsockname()[1])


def test_an_address_of_another_machine_cannot_be_listened_on() -> None:
    with pytest.raises(BadOptionError, match="Cannot listen on"):
        listening("203.0.113.7", 0)


def opened(url: str, **headers: str) -> Any:
    request = urllib.request.Request(url, headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(request, timeout=SECONDS)


def test_the_command_says_its_address_first_and_ends_by_a_signal() -> None:
    words = ["app", "--no-open", "--port", "0", "--json", "--token", "right-and-long-enough"]
    process = subprocess.Popen(
        [sys.executable, "-m", "vlmscope", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        root = said["url"].partition("?")[0]
        with opened(said["url"]) as page:
            assert b'<main id="vlmscope">' in page.read()
        with pytest.raises(urllib.error.HTTPError, match="401"):
            opened(f"{root}api/session")
        with opened(f"{root}api/session", Authorization=f"Bearer {said['token']}") as session:
            assert json.load(session)["model"]["id"] == "tiny-llava"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in err
