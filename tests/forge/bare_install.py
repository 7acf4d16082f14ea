"""Is an installed vlmscope whole? Run away from the sources, in an environment that holds the wheel.

    python bare_install.py [--no-extras]

Imports it, asks its version, grounds a phrase in a rendered scene by the embedded model, all as a user would.
With ``--no-extras`` heavy packages that only extras bring must be absent: a bare install stays light.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

EXTRAS = ("supervision", "pycocotools", "pyarrow", "accelerate", "openai", "fastapi", "uvicorn")
NEVER = ("torchvision",)
DEVELOPMENT = ("pytest", "ruff", "mypy", "jaxtyping", "beartype", "ipykernel")


def present(names: tuple[str, ...]) -> list[str]:
    """Those that could be imported."""
    return [name for name in names if importlib.util.find_spec(name) is not None]


def vlmscope(*words: str) -> str:
    """What a command prints; raises where it fails."""
    command = [sys.executable, "-m", "vlmscope", *words]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def grounded(folder: Path) -> list[float]:
    """The box that the command line finds in a rendered scene."""
    from PIL import Image

    from vlmscope.tiny import referring_samples

    [sample] = referring_samples([20_000_000])
    Image.fromarray(sample.image).save(folder / "scene.png")
    printed = json.loads(vlmscope("ground", str(folder / "scene.png"), sample.phrase, "--json"))
    [found] = printed["groundings"]
    return list(found["box"])


def main(words: list[str]) -> None:
    """Check everything; a failure ends the process with what failed."""
    import vlmscope as package

    place = Path(package.__file__).resolve()
    if "src" in place.parts:
        sys.exit(f"vlmscope was imported from its sources, {place}: run this somewhere else.")
    unwanted = present(EXTRAS + NEVER + DEVELOPMENT) if "--no-extras" in words else []
    if unwanted:
        sys.exit(f"A bare install brought {', '.join(unwanted)}.")
    version = vlmscope("--version").strip()
    if version != f"vlmscope {package.__version__}":
        sys.exit(f"vlmscope --version printed {version!r}.")
    with tempfile.TemporaryDirectory() as folder:
        box = grounded(Path(folder))
    sys.stdout.write(f"{version}, installed in {place.parent}, found the object in {box}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
