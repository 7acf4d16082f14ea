"""open_clip state dicts: converted weights compute what open_clip's own modules compute."""

from __future__ import annotations

import json

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

import vlmscope as vs
from dual_families import tokenizer
from vlmscope.doctor.footprint import footprint
from vlmscope.errors import ModelLoadError, UnknownNameError
from vlmscope.models.loading.open_clip import OpenClipShape, convert_open_clip

WIDTH, TEXT_WIDTH, JOINT, PATCH, GRID, CONTEXT = 128, 64, 24, 8, 4, 12
VOCABULARY = len(tokenizer())
HEAD = 32


def state_dict(seed: int = 0, layers: int = 2) -> dict[str, Tensor]:
    """A random CLIP under open_clip's names."""
    torch.manual_seed(seed)

    def tower(prefix: str, width: int) -> dict[str, Tensor]:
        found = {}
        for n in range(layers):
            at = f"{prefix}transformer.resblocks.{n}."
            found |= {
                f"{at}ln_1.weight": torch.rand(width) + 0.5,
                f"{at}ln_1.bias": torch.randn(width) * 0.1,
                f"{at}attn.in_proj_weight": torch.randn(3 * width, width) * 0.2,
                f"{at}attn.in_proj_bias": torch.randn(3 * width) * 0.1,
                f"{at}attn.out_proj.weight": torch.randn(width, width) * 0.1,
                f"{at}attn.out_proj.bias": torch.randn(width) * 0.1,
                f"{at}ln_2.weight": torch.rand(width) + 0.5,
                f"{at}ln_2.bias": torch.randn(width) * 0.1,
                f"{at}mlp.c_fc.weight": torch.randn(2 * width, width) * 0.1,
                f"{at}mlp.c_fc.bias": torch.randn(2 * width) * 0.1,
                f"{at}mlp.c_proj.weight": torch.randn(width, 2 * width) * 0.1,
                f"{at}mlp.c_proj.bias": torch.randn(width) * 0.1,
            }
        return found

    return {
        "visual.class_embedding": torch.randn(WIDTH),
        "visual.positional_embedding": torch.randn(GRID * GRID + 1, WIDTH),
        "visual.conv1.weight": torch.randn(WIDTH, 3, PATCH, PATCH) * 0.1,
        "visual.ln_pre.weight": torch.rand(WIDTH) + 0.5,
        "visual.ln_pre.bias": torch.randn(WIDTH) * 0.1,
        "visual.ln_post.weight": torch.rand(WIDTH) + 0.5,
        "visual.ln_post.bias": torch.randn(WIDTH) * 0.1,
        "visual.proj": torch.randn(WIDTH, JOINT) * 0.1,
        "token_embedding.weight": torch.randn(VOCABULARY, TEXT_WIDTH),
        "positional_embedding": torch.randn(CONTEXT, TEXT_WIDTH),
        "ln_final.weight": torch.rand(TEXT_WIDTH) + 0.5,
        "ln_final.bias": torch.randn(TEXT_WIDTH) * 0.1,
        "text_projection": torch.randn(TEXT_WIDTH, JOINT) * 0.1,
        "logit_scale": torch.tensor(4.0),
        **tower("visual.", WIDTH),
        **tower("", TEXT_WIDTH),
    }


def norm(s: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], s[f"{name}.weight"], s[f"{name}.bias"], eps=1e-5)


def activation(name: str, x: Tensor) -> Tensor:
    return x * torch.sigmoid(1.702 * x) if name == "quick_gelu" else F.gelu(x)


def transformer(
    s: dict[str, Tensor], prefix: str, x: Tensor, heads: int, act: str, causal: bool
) -> Tensor:
    """open_clip's residual blocks, through torch's own multi-head attention; x: (tokens, 1, dim)."""
    for n in range(2):
        at = f"{prefix}transformer.resblocks.{n}."
        y = norm(s, f"{at}ln_1", x)
        mask = torch.full((len(x), len(x)), float("-inf")).triu(1) if causal else None
        y, _ = F.multi_head_attention_forward(
            y, y, y, x.shape[-1], heads,
            s[f"{at}attn.in_proj_weight"], s[f"{at}attn.in_proj_bias"], None, None, False, 0.0,
            s[f"{at}attn.out_proj.weight"], s[f"{at}attn.out_proj.bias"],
            training=False, need_weights=False, attn_mask=mask,
        )  # fmt: skip
        x = x + y
        y = F.linear(norm(s, f"{at}ln_2", x), s[f"{at}mlp.c_fc.weight"], s[f"{at}mlp.c_fc.bias"])
        x = x + F.linear(activation(act, y), s[f"{at}mlp.c_proj.weight"], s[f"{at}mlp.c_proj.bias"])
    return x


def encode_image(s: dict[str, Tensor], image: Tensor, act: str) -> Tensor:
    patches = F.conv2d(image, s["visual.conv1.weight"], stride=PATCH).flatten(2)[0].T
    x = torch.cat([s["visual.class_embedding"][None], patches]) + s["visual.positional_embedding"]
    x = transformer(s, "visual.", norm(s, "visual.ln_pre", x)[:, None], WIDTH // HEAD, act, False)
    return norm(s, "visual.ln_post", x[0, 0]) @ s["visual.proj"]


def encode_text(s: dict[str, Tensor], ids: list[int], act: str) -> Tensor:
    x = s["token_embedding.weight"][ids] + s["positional_embedding"][: len(ids)]
    x = transformer(s, "", x[:, None], 2, act, True)
    return norm(s, "ln_final", x[:, 0])[len(ids) - 1] @ s["text_projection"]


@pytest.mark.parametrize("act", ["quick_gelu", "gelu"])
def test_computes_what_open_clip_computes(act: str) -> None:
    s = state_dict()
    model = convert_open_clip(s, OpenClipShape(act, HEAD, text_heads=2))
    image = torch.randn(1, 3, GRID * PATCH, GRID * PATCH)
    ids = [1, 5, 9, 7, VOCABULARY - 1]
    with torch.no_grad():
        seen = model.get_image_features(pixel_values=image).pooler_output[0]
        read = model.get_text_features(input_ids=torch.tensor([ids])).pooler_output[0]
    torch.testing.assert_close(seen, encode_image(s, image, act), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(read, encode_text(s, ids, act), atol=1e-5, rtol=1e-4)
    other = "gelu" if act == "quick_gelu" else "quick_gelu"
    assert (seen - encode_image(s, image, other)).abs().max() > 1e-3, "the activation matters"


def test_prefixes_of_distributed_training_and_buffers_are_dropped() -> None:
    s = {f"module.{key}": value for key, value in state_dict().items()}
    s["module.input_resolution"] = torch.tensor(32)
    s["module.attn_mask"] = torch.zeros(CONTEXT, CONTEXT)
    model = convert_open_clip(s, OpenClipShape("gelu", HEAD, 2))
    assert model.config.vision_config.num_attention_heads == WIDTH // HEAD


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ("visual.ln_post.weight", "1 weights missing.*post_layernorm"),
        ("text_projection", "lacks text_projection"),
        ("transformer.resblocks.1.mlp.c_proj.bias", "1 weights missing.*fc2"),
        ("visual.transformer.resblocks.0.attn.in_proj_weight", "3 weights missing"),
    ],
)
def test_a_partial_state_dict_is_refused(lost: str, message: str) -> None:
    s = state_dict()
    del s[lost]
    with pytest.raises(ModelLoadError, match=message):
        convert_open_clip(s, OpenClipShape("gelu", HEAD, 2))


def test_foreign_and_surplus_weights_are_refused() -> None:
    with pytest.raises(ModelLoadError, match=r"no key starts with"):
        convert_open_clip({"encoder.weight": torch.zeros(2)}, OpenClipShape("gelu"))
    surplus = state_dict() | {"visual.transformer.resblocks.0.ls_1.gamma": torch.ones(WIDTH)}
    with pytest.raises(ModelLoadError, match="too many.*ls_1"):
        convert_open_clip(surplus, OpenClipShape("gelu", HEAD, 2))
    wrong = state_dict() | {"visual.class_embedding": torch.zeros(7)}
    with pytest.raises(ModelLoadError, match="wrong shape.*class_embedding"):
        convert_open_clip(wrong, OpenClipShape("gelu", HEAD, 2))


def test_the_activation_must_be_told() -> None:
    with pytest.raises(UnknownNameError, match="quick_gelu"):
        OpenClipShape("quickgelu")


def folder(tmp_path, **model_cfg):
    save_file(state_dict(), tmp_path / "open_clip_model.safetensors")
    vision = {"head_width": HEAD, "layers": 2}
    config = {"vision_cfg": vision, "text_cfg": {"heads": 2}, **model_cfg}
    record = {"model_cfg": config, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.25] * 3}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(record))
    tokenizer().save_pretrained(tmp_path)
    return tmp_path


def test_a_folder_in_open_clips_layout_loads(tmp_path) -> None:
    encoder = vs.load(str(folder(tmp_path, quick_gelu=True)))
    assert encoder.family.id == "clip"
    assert encoder.hf.config.vision_config.hidden_act == "quick_gelu"
    assert list(encoder.processor.image_processor.image_mean) == [0.5] * 3
    assert encoder.revision.startswith("sha256:")
    s = state_dict()
    image = torch.randn(1, 3, GRID * PATCH, GRID * PATCH)
    with torch.no_grad():
        seen = encoder.hf.get_image_features(pixel_values=image).pooler_output[0]
    torch.testing.assert_close(seen, encode_image(s, image, "quick_gelu"), atol=1e-5, rtol=1e-4)


def test_a_folder_with_another_kind_of_tower_is_refused(tmp_path) -> None:
    path = folder(tmp_path, vision_cfg={"timm_model_name": "vit_medium"})
    with pytest.raises(ModelLoadError, match="timm"):
        vs.load(str(path))
    (tmp_path / "open_clip_model.safetensors").unlink()
    with pytest.raises(ModelLoadError, match=r"open_clip_model.safetensors"):
        vs.load(str(path))


def test_pickled_weights_are_read_by_the_loader_for_tensors_alone(tmp_path) -> None:
    wanted = vs.load(str(folder(tmp_path))).hf.state_dict()
    (tmp_path / "open_clip_model.safetensors").unlink()
    file = tmp_path / "open_clip_pytorch_model.bin"
    torch.save(state_dict(), file)
    loaded = vs.load(str(tmp_path)).hf.state_dict()
    assert all(torch.equal(value, loaded[key]) for key, value in wanted.items())
    torch.save({**state_dict(), "more": print}, file)
    with pytest.raises(ModelLoadError, match=r"asks for \S*print") as caught:
        vs.load(str(tmp_path))
    assert "weights_only" not in str(caught.value)


def test_foreign_code_is_refused_also_here(tmp_path) -> None:
    path = folder(tmp_path)
    settings = json.loads((path / "tokenizer_config.json").read_text())
    settings["auto_map"] = {"AutoTokenizer": ["trap.Slow", "trap.Fast"]}
    (path / "tokenizer_config.json").write_text(json.dumps(settings))
    for door in (vs.load, footprint):
        with pytest.raises(ModelLoadError, match=r"auto_map in tokenizer_config\.json"):
            door(str(path))
