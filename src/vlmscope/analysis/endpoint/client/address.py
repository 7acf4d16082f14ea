"""The address of an endpoint, checked before anything is sent there."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from vlmscope.errors import BadOptionError

__all__ = ["Address"]

_PATH = "/chat/completions"


@dataclass(frozen=True)
class Address:
    """Where chat completions are asked for.

    Attributes:
        base: without a slash at its end, such as ``http://localhost:8000/v1``.
        local: it is this machine.
        encrypted: over https.
    """

    base: str
    local: bool
    encrypted: bool

    @classmethod
    def of(cls, url: str) -> Address:
        """Of a base URL, or of the whole address of chat completions.

        Raises:
            BadOptionError: no http address, or one with a user name, a query or a fragment.
        """
        parts = _parts(url)
        if parts.username is not None or parts.password is not None:
            raise BadOptionError(
                "The address of an endpoint holds no user name and no password, for addresses end up in "
                "records. Put a key into an environment variable and name that with --key-from."
            )
        if parts.query or parts.fragment:
            raise BadOptionError(
                "The address of an endpoint ends before ? and #. Give its base, such as "
                "http://localhost:8000/v1."
            )
        path = parts.path.rstrip("/").removesuffix(_PATH)
        host = parts.hostname or ""
        base = f"{parts.scheme.lower()}://{parts.netloc}{path}"
        return cls(base, _is_local(host), parts.scheme.lower() == "https")

    @property
    def chat(self) -> str:
        """Where requests go."""
        return self.base + _PATH

    @property
    def advice(self) -> str:
        """What may be wrong with it."""
        if self.base.endswith("/v1"):
            return "Check the address."
        return f"Most servers have it at {self.base}/v1: try that address."


def _parts(url: str) -> SplitResult:
    wrong = BadOptionError(
        "The address of an endpoint begins with http:// or https:// and names a host, such as "
        "http://localhost:8000/v1."
    )
    if not isinstance(url, str) or any(each <= " " or each > "~" for each in url.strip()):
        raise wrong
    try:
        parts = urlsplit(url.strip())
        _ = parts.port  # raises where it is no number
    except ValueError:
        raise wrong from None
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise wrong
    return parts


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
