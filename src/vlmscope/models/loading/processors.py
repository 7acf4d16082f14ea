"""Processors for pictures alone: transformers' own classes without their video part, by Pillow.

The video part is what needs torchvision (and, in SmolVLM, num2words); nothing in vlmscope reads
videos. Nothing of transformers is changed: a class is derived, and the derived one has no video part.

Images go through the Pillow backend of transformers also where torchvision is installed: the two
differ by up to 0.03 in normalised pixels, and the same call should give the same rows everywhere. A
few image processors have no Pillow form: their families say so (``Family.torchvision``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from types import FunctionType
from typing import Any

from vlmscope.errors import UnsupportedError
from vlmscope.models.decoders.family import Family
from vlmscope.models.loading.pillow_classes import processor_class
from vlmscope.models.loading.torchvision import need_timm, need_torchvision

__all__ = [
    "family_processor",
    "load_processor",
    "picture_processor_class",
    "processor_without_video",
]

_VIDEO = "video_processor"
# packages that transformers imports for videos alone, by the module-level name they get
_VIDEO_PACKAGES = ("num2words",)


def family_processor(name: str, source: str, options: Mapping[str, Any], family: object) -> Any:
    """The processor of a model that answers in words, with the image processor its family is known by.

    Args:
        name: of the model, for the message.
        source, options: as :func:`load_processor` takes them.
        family: of the model.

    Raises:
        UnsupportedError: a family whose images are prepared by torchvision, or whose tower is one of
            timm's, where that is not installed.
        OSError, ValueError, ImportError: from transformers; see ``vlmscope.models.loading.refusals``.
    """
    if not isinstance(family, Family):
        return load_processor(source, options)
    what = f"{name} is a {family.id}", "take a model of another family (`vlmscope models`)"
    if family.timm:
        need_timm(*what)
    if family.torchvision:
        need_torchvision(*what)
    return load_processor(source, options, by_torchvision=family.torchvision)


def load_processor(
    source: str,
    options: Mapping[str, Any],
    wants_text: bool = True,
    by_torchvision: bool = False,
) -> Any:
    """Load the processor of a checkpoint, whichever of its parts can be installed here.

    Args:
        source: a folder, or an id on the hub.
        options: for transformers: ``revision``, ``trust_remote_code``.
        wants_text: the whole processor; False: the image processor alone.
        by_torchvision: the image processor has no Pillow form and is taken as it is.

    Raises:
        OSError, ValueError, ImportError: from transformers; see ``vlmscope.models.loading.refusals``.
    """
    from transformers import AutoProcessor

    if not wants_text:
        return _pillow_images(source, options)
    cls = _saved_class(source, options)
    kind: Any = AutoProcessor if cls is None else picture_processor_class(cls)
    processor = kind.from_pretrained(source, **options)
    if not by_torchvision and _by_torchvision(getattr(processor, "image_processor", None)):
        processor.image_processor = _pillow_images(source, options)
    return processor


def processor_without_video(
    cls: type,
    *,
    image_processor: Any,
    tokenizer: Any,
    chat_template: str | None = None,
    **options: Any,
) -> Any:
    """Build a processor of transformers from its parts, without its video part.

    Args:
        cls: a processor class, for example ``transformers.Qwen2VLProcessor``; one that has no video
            part is built as it is.
        image_processor: of the Pillow backend (``Qwen2VLImageProcessorPil``) or any other.
        tokenizer: the tokenizer.
        chat_template: of the processor; None: the tokenizer's.
        **options: what else the class takes, for example ``image_seq_length``.

    Returns:
        An instance of ``cls`` that saves and loads as ``cls`` does.
    """
    kind: Any = picture_processor_class(cls)
    if kind is not cls:
        options[_VIDEO] = None
    if chat_template is not None:
        options["chat_template"] = chat_template
    return kind(image_processor=image_processor, tokenizer=tokenizer, **options)


def _saved_class(source: str, options: Mapping[str, Any]) -> Any:
    """The class of transformers that a checkpoint names; None: left to AutoProcessor.

    Looked for where AutoProcessor looks, in the same order: the processor's own settings, the image
    processor's, the tokenizer's, and at last the class that belongs to the model type.
    """
    import transformers
    from transformers.models.auto.image_processing_auto import get_image_processor_config
    from transformers.models.auto.tokenization_auto import get_tokenizer_config

    hub_options = {name: value for name, value in options.items() if name != "trust_remote_code"}
    saved, _ = transformers.ProcessorMixin.get_processor_dict(source, **hub_options)
    if not saved.get("processor_class"):
        saved = get_image_processor_config(source, **hub_options)
    if not saved.get("processor_class"):
        saved = get_tokenizer_config(source, **hub_options)
    if "AutoProcessor" in saved.get("auto_map", {}) and options.get("trust_remote_code"):
        return None
    name = saved.get("processor_class")
    if name:
        return processor_class(name)
    config = transformers.AutoConfig.from_pretrained(source, **options)
    cls = transformers.PROCESSOR_MAPPING.get(type(config), None)
    return None if cls is None else processor_class(cls.__name__)


def _pillow_images(source: str, options: Mapping[str, Any]) -> Any:
    from transformers import AutoImageProcessor

    return AutoImageProcessor.from_pretrained(source, backend="pil", **options)


def _by_torchvision(image_processor: Any) -> bool:
    # by name: where torchvision is missing, the class may not be importable
    return any(base.__name__ == "TorchvisionBackend" for base in type(image_processor).__mro__)


@cache
def picture_processor_class(cls: Any) -> Any:
    """``cls`` without its video part; ``cls`` itself when it has none."""
    if _VIDEO not in cls.get_attributes():
        return cls
    body: dict[str, Any] = {"_whole": cls, "__module__": __name__, "__doc__": cls.__doc__}
    lacking = [name for name in _VIDEO_PACKAGES if _lacks(cls.__init__, name)]
    if lacking:
        body["__init__"] = _with_globals(cls.__init__, dict.fromkeys(lacking, _refuse))
    return type(cls.__name__, (PicturesOnly, cls, _without_video()), body)


class PicturesOnly:
    """Mixed in before a processor class: its video part is no attribute, and refuses videos."""

    _whole: Any

    @classmethod
    def get_attributes(cls) -> list[str]:
        """The parts that are loaded and saved."""
        return [name for name in cls._whole.get_attributes() if name != _VIDEO]

    @classmethod
    def from_args_and_dict(
        cls, args: Sequence[Any], processor_dict: Mapping[str, Any], **options: Any
    ) -> Any:
        """Build from loaded parts and saved settings, as transformers does while loading."""
        place = cls._whole.get_attributes().index(_VIDEO)
        saved = {name: value for name, value in processor_dict.items() if name != _VIDEO}
        parent: Any = super()
        return parent.from_args_and_dict([*args[:place], None, *args[place:]], saved, **options)

    @property
    def video_processor(self) -> Any:
        """A stand-in: transformers would leave videos out without a word if there were nothing."""
        return _NoVideo()

    def __reduce__(self) -> Any:  # a class made at run time cannot be found by its name
        return _blank, (self._whole,), self.__dict__


@cache
def _without_video() -> Any:
    """Stands between a processor class and transformers' base, which must not be given a video part."""
    from transformers import ProcessorMixin

    def take_parts(self: Any, *parts: Any, **options: Any) -> None:
        # wherever it stands among the parts, and under its name
        place = self._whole.get_attributes().index(_VIDEO)
        options.pop(_VIDEO, None)
        ProcessorMixin.__init__(self, *parts[:place], *parts[place + 1 :], **options)

    return type("WithoutVideo", (ProcessorMixin,), {"__init__": take_parts})


class _NoVideo:
    # SmolVLM asks for these whenever it writes a chat, with videos or without
    num_frames = None
    fps = None
    # ERNIE 4.5 copies it when it is saved
    font = ""
    # MiniCPM-V asks for these when it is built
    slice_mode = None
    downsample_mode = None

    def __call__(self, *args: Any, **options: Any) -> Any:
        _refuse()


def _refuse(*args: Any, **options: Any) -> Any:
    raise UnsupportedError(
        "This processor was built without its video part, so it takes pictures only. "
        "Give single frames as images."
    )


def _blank(whole: Any) -> Any:
    kind = picture_processor_class(whole)
    return kind.__new__(kind)


def _lacks(function: Any, name: str) -> bool:
    return name in function.__globals__ and not function.__globals__[name]


def _with_globals(function: Any, replaced: Mapping[str, Any]) -> Any:
    """The same function with some names of its module seen differently; the module stays as it is."""
    copy = FunctionType(
        function.__code__,
        {**function.__globals__, **replaced},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__doc__ = function.__doc__
    return copy
