"""Loading a text-to-image pipeline of diffusers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vlmscope.diffusion.layers import check_pipeline, cross_layers
from vlmscope.errors import MissingExtraError, ModelLoadError
from vlmscope.hub import no_connection, refusal, text_of

__all__ = ["load_pipeline"]


def load_pipeline(
    name: str,
    *,
    dtype: str | None = None,
    device: str | None = None,
    revision: str | None = None,
    trust_remote_code: bool = False,
) -> Any:
    """A text-to-image pipeline with a U-Net, from the hub or a folder; weights as safetensors alone.

    Args:
        name: hub id or folder in the format of diffusers.
        dtype: of the weights: float32 (default), float16, bfloat16.
        device: cpu, cuda ...; default: a GPU if there is one.
        revision: branch, tag or commit on the hub.
        trust_remote_code: run code that comes with the pipeline.

    Raises:
        MissingExtraError: diffusers is not installed.
        ModelLoadError: nothing of that name, or files that cannot be read.
        UnsupportedError: a pipeline without a U-Net.
        UnknownNameError: a dtype or device that does not exist.
    """
    from vlmscope.models.loading.devices import plan_weights

    try:
        from diffusers import DiffusionPipeline
    except ImportError as error:
        raise MissingExtraError("diffusers", "diffusion", "Drawing pictures from text") from error
    plan = plan_weights(dtype, device, widened=True)
    options: dict[str, Any] = {
        "dtype": plan.dtype,
        "use_safetensors": True,
        "trust_remote_code": trust_remote_code,
        **({} if revision is None else {"revision": revision}),
    }
    try:
        pipeline = DiffusionPipeline.from_pretrained(name, **options)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ModelLoadError(_why(name, error)) from error
    cross_layers(check_pipeline(pipeline), middle=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(plan.device)


def _why(name: str, error: BaseException) -> str:
    unreachable = no_connection(error)
    if unreachable is not None:
        return f"{name} is no folder here, and {unreachable}. Give a folder, or try again with a connection."
    said = refusal(name, error, "pipeline")
    if said is not None:
        return said
    if Path(name).is_dir() and not (Path(name) / "model_index.json").is_file():
        return (
            f"{name} is no pipeline of diffusers: it has no model_index.json. Give a folder that "
            "save_pretrained() of a pipeline wrote."
        )
    return f"{name} cannot be loaded as a pipeline of diffusers: {text_of(error)}"
