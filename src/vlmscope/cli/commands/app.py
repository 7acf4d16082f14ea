"""``vlmscope app``."""

from __future__ import annotations

import json
import sys
import threading
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from vlmscope.cli.console import emit, note, warn
from vlmscope.cli.loading import NamedDecoder, SizedLoading, TextEmbeddings, TextTower
from vlmscope.cli.options import with_options

if TYPE_CHECKING:
    from vlmscope.app.serving import Address
    from vlmscope.app.settings import AppSettings

__all__ = ["command"]

_SHORT = 16  # characters of a token that can be guessed


@dataclass(frozen=True)
class Serving:
    """Where the app is found, and by whom."""

    panel: ClassVar[str] = "Server"

    host: Annotated[
        str,
        typer.Option(help="Address to listen on; another than this machine's own needs --token."),
    ] = "127.0.0.1"
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65_535,
            help="Port; 0 takes a free one (default: 8420, or a free one where that is taken).",
            show_default=False,
        ),
    ] = None
    token: Annotated[
        str | None,
        typer.Option(
            envvar="VLMSCOPE_TOKEN",
            help="What every request must bear; also read from $VLMSCOPE_TOKEN.",
            show_default=False,
            show_envvar=False,
        ),
    ] = None
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A name under which a proxy calls the server; may be repeated.",
            show_default=False,
        ),
    ] = None
    root_path: Annotated[
        str,
        typer.Option(
            metavar="PATH",
            help="What a proxy puts in front of every path, such as /vlmscope.",
            show_default=False,
        ),
    ] = ""
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Do not open the page in the browser.")
    ] = False

    def settings(self, heads: str | None) -> AppSettings:
        """Checked before a model is loaded.

        Raises:
            BadOptionError: an address that others reach without a token, or a token that is none.
        """
        from vlmscope.app.serving import check_reach
        from vlmscope.app.settings import AppSettings

        made = AppSettings(
            self.host, self.token, tuple(self.allow_host or ()), self.root_path, heads
        )
        check_reach(made)
        if self.token is not None and len(self.token) < _SHORT:
            warn(f"The token has fewer than {_SHORT} characters: it can be guessed.")
        return made


@dataclass(frozen=True)
class Folder:
    """Labels that the app shows."""

    panel: ClassVar[str] = "Input"

    folder: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="A folder of vlmscope label, to look through and to accept or reject.",
            show_default=False,
        ),
    ] = None
    source: Annotated[
        str | None,
        typer.Option(
            metavar="SRC",
            help="Where the pictures of DIR are, if they do not lie in it.",
            show_default=False,
        ),
    ] = None


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command."""
    return with_options(app)


def app(
    *,
    decoder: NamedDecoder,
    labels: Folder,
    heads: Annotated[
        str | None,
        typer.Option(
            help="Heads that phrases are read from: L14H24,L14H13, a head file, or a published set.",
            rich_help_panel="Method",
            show_default=False,
        ),
    ] = None,
    text_embeddings: TextEmbeddings = None,
    text_tower: TextTower = None,
    loading: SizedLoading,
    serving: Serving,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="The first line is an object with url.", rich_help_panel="Output"
        ),
    ] = False,
) -> int:
    """Look at a model in the browser: phrases, heads, words of its answers, knock-outs.

    Pictures stay in this machine's memory. The first line on stdout is the address.
    """
    from vlmscope.app.serving import check_server, listening, serve

    check_server()
    settings = serving.settings(heads)
    from vlmscope.app.folder.labels import ServedFolder
    from vlmscope.app.service import Service
    from vlmscope.app.web.application import application
    from vlmscope.heads.choice import resolve_heads

    folder = None if labels.folder is None else ServedFolder(labels.folder, labels.source)
    taken = listening(settings.host, serving.port)
    with taken:
        loaded = loading.model(decoder.id, text_embeddings, text_tower)
        if heads is not None:
            resolve_heads(heads, loaded)  # type: ignore[arg-type]  # it refuses encoders itself
        service = Service(loaded, settings, folder)
        address = _address(settings, taken.getsockname()[1])
        serve(application(service), taken, lambda: _say(address, as_json, not serving.no_open))
    return 0


def _address(settings: AppSettings, port: int) -> Address:
    from vlmscope.app.serving import Address

    return Address(settings.host, port, settings.root_path, settings.token)


def _say(address: Address, as_json: bool, opened: bool) -> None:
    """The address, whole and at once: somebody may wait for it at the other end of a pipe."""
    url = {"url": address.url, **({"token": address.token} if address.token else {})}
    emit(json.dumps(url) if as_json else address.url)
    sys.stdout.flush()
    if address.everywhere:
        note(f"From other machines: {address.outside}")
    note("Ctrl-C ends it.")
    if opened:
        # some browsers hold up whoever opens them
        threading.Thread(target=webbrowser.open, args=[address.url], daemon=True).start()
