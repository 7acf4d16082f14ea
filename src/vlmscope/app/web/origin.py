"""Who may speak to the server: under which names it is called, from which pages, and with which token.

A page of another site can make a browser send requests to this machine. It cannot choose their Host and
Origin headers: a name that is resolved anew to 127.0.0.1 (DNS rebinding) is still the name in both.
"""

from __future__ import annotations

import hmac
import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field

from vlmscope.app.refusal import Refusal

__all__ = ["EVERYWHERE", "Doorman", "host_name", "is_loopback"]

_LOOPBACK = ("localhost", "127.0.0.1", "::1")

EVERYWHERE: dict[str, str] = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Addresses that stand for all of a machine's own, and the one by which it reaches itself."""


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own, which no other machine can reach."""
    if host.lower() == "localhost":
        return True
    address = _address(host)
    return address is not None and address.is_loopback


@dataclass(frozen=True)
class Doorman:
    """Lets requests in or not.

    Attributes:
        names: lower-case names under which the server may be called.
        any_address: addresses in figures are let in, too: a server that listens everywhere has
            several, and no name stands behind them that could be resolved anew.
        token: that requests must bear; None: none.
    """

    names: frozenset[str]
    any_address: bool
    token: str | None = field(repr=False)

    @classmethod
    def of(cls, host: str, names: Iterable[str], token: str | None) -> Doorman:
        """For a server that listens on ``host`` and may also be called by ``names``."""
        everywhere = host in EVERYWHERE
        known = {*_LOOPBACK, host, *names}
        if everywhere:
            known |= {socket.gethostname(), socket.getfqdn()}
        return cls(frozenset(each.lower().strip("[]") for each in known), everywhere, token)

    def check_host(self, host: str | None) -> None:
        """Check a Host header.

        Raises:
            Refusal: it is missing, or names another machine.
        """
        name = host_name(host or "")
        if name in self.names or (self.any_address and _address(name) is not None):
            return
        raise Refusal(
            403,
            "wrong-host",
            "The request calls this server by a name that is not its own. Behind a proxy, start it with "
            "--allow-host NAME.",
        )

    def check_origin(self, origin: str | None, site: str | None, host: str | None) -> None:
        """Check where a request comes from, as its browser says.

        Args:
            origin: the Origin header; None: of the server's own pages many have none.
            site: the Sec-Fetch-Site header.
            host: the Host header.

        Raises:
            Refusal: from a page of another site.
        """
        if origin is not None:
            scheme, _, place = origin.partition("://")
            wrong = scheme not in ("http", "https") or place.lower() != (host or "").lower()
        else:
            wrong = site not in (None, "same-origin", "none")
        if wrong:
            raise Refusal(
                403, "wrong-origin", "Pages of other sites may not use this server's interface."
            )

    def check_token(self, authorization: str | None) -> None:
        """Check an Authorization header, in a time that says nothing of the token.

        Raises:
            Refusal: a token is asked for, and this is another or none.
        """
        if self.token is None:
            return
        scheme, _, borne = (authorization or "").partition(" ")
        right = hmac.compare_digest(
            borne.strip().encode("utf-8", "replace"), self.token.encode("utf-8")
        )
        if scheme.lower() != "bearer" or not right:
            raise Refusal(
                401,
                "wrong-token",
                "A token is needed: open the address that the app printed, or send "
                "Authorization: Bearer TOKEN.",
            )


def host_name(host: str) -> str:
    """The name in a Host header, lower-case, without port and brackets."""
    text = host.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.rpartition(":")[0] if text.count(":") == 1 else text


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
