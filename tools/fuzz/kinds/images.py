"""Pictures: every format and mode, sound and spoiled, of odd sizes and names, and what is no picture."""

from __future__ import annotations

from hypothesis import strategies as st

from tools.fuzz.inputs import Input
from tools.fuzz.kinds.pictures import FORMATS, encoded, png_of_size
from tools.fuzz.mutate import broken

__all__ = ["images"]

_NAMES = (
    "a.png",
    "a.png",
    "a.jpg",
    "a.JPEG",
    "a.gif",
    "a.webp",
    "a.bmp",
    "a.tiff",
    "a",
    "a.txt",
    "ä b.png",
    "写真.png",
    "a\nb.png",
    "a.b.c.png",
    "[x].png",
    "%d.png",
    "'.png",
)
_SIDES = (1, 2, 3, 7, 8, 31, 64, 128, 129, 300)
_DRAWN = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>',
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n",
    b"P6\n1000000000 1000000000\n255\n",
    b"P1\n# a\n3 3\n101\n",
    b"P5\n3 3\n65536\n123456789",
    b"GIF89a\xff\xff\xff\xff\0\0\0;",
    b"BM" + b"\xff" * 60,
    b"RIFF\xff\xff\xff\xffWEBPVP8 ",
    b"II*\0\x08\0\0\0\0\0",
    b"qoif\0\0\0\1\0\0\0\1\4\0",
    b"\0\0\1\0\1\0\0\0",
)


@st.composite
def _pictures(draw: st.DrawFn) -> bytes:
    kind = draw(st.sampled_from(sorted(FORMATS)))
    mode = draw(st.sampled_from(FORMATS[kind]))
    height, width = draw(st.sampled_from(_SIDES)), draw(st.sampled_from(_SIDES))
    orientation = draw(st.sampled_from((0, 0, 1, 3, 6, 8, 9, 255)))
    return encoded(kind, mode, height, width, orientation, draw(st.sampled_from((1, 1, 2, 3))))


@st.composite
def _sized(draw: st.DrawFn) -> bytes:
    side = st.sampled_from((0, 1, 13, 5_000, 20_000, 2**31 - 1, 2**31))
    return png_of_size(draw(side), draw(side))


@st.composite
def _content(draw: st.DrawFn) -> bytes:
    pictures = _pictures()
    return draw(
        st.one_of(
            pictures,
            pictures.flatmap(broken),
            pictures.flatmap(broken),
            pictures.flatmap(broken).flatmap(broken),
            _sized(),
            st.sampled_from(_DRAWN),
            st.sampled_from(_DRAWN).flatmap(broken),
        )
    )


def _doors(name: str) -> st.SearchStrategy[Input]:
    """Calls on a picture of this name; those of the library are cheap, and most."""
    # of a thin picture the shorter side counts: thousands of patches at the model's own size
    segment = ("segment", "-c", "red circle,star", "--side", "32")
    ground = ("ground", name, "red circle", "--json", "--max-pixels", "4000000")
    calls: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
        *[(("@image", name), ())] * 4,
        (("@image-bytes", name), ()),
        (ground, ()),
        ((*ground, "-o", "out.png"), ("out.png",)),
        ((*ground, "-o", "out"), ("out",)),
        ((*segment, name, "--json", "--max-pixels", "4000000"), ()),
        ((*segment, ".", "-o", "out", "--format", "png,yolo"), ("out",)),
    ]
    return st.sampled_from(calls).map(lambda call: Input(call[0], written=call[1]))


@st.composite
def images(draw: st.DrawFn) -> Input:
    """A picture, perhaps with a sound one beside it."""
    name = draw(st.sampled_from(_NAMES))
    call = draw(_doors(name))
    files: dict[str, bytes] = {name: draw(_content())}
    if "." in call.words and draw(st.booleans()):
        files["sound.png"] = encoded("PNG", "RGB", 64, 64, 0, 1)
    return Input(call.words, files, call.written)
