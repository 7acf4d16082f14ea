"""The proof that every LVLM family has to pass: prompts, rows, knock-outs, prefixes, pixels, batches.

Random weights, offline: all of this is exact whatever the weights are. A family joins by a builder in
``tests/lvlms``.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from PIL import Image

import vlmscope as vs
from lvlms import Build, builds, made, waiting
from vlmscope.attention import read_heads, shared_prefix
from vlmscope.attention.next_tokens import next_token_logits
from vlmscope.errors import KnockoutError, UnsupportedError
from vlmscope.models import LoadedModel, Prompt

BUILDS = builds()
CAUSAL = [name for name, build in BUILDS.items() if not build.cross]
SPATIAL = [name for name, build in BUILDS.items() if build.spatial]
PHRASE = "the small red circle on the left"
OTHERS = ("pizza", "a large blue star", "what colour is the dog ?")
SHAPES = {
    "square": (120, 120),
    "wide": (60, 180),
    "tall": (180, 60),
    "odd": (101, 67),
    "tiny": (9, 13),
    "large": (400, 523),
}

each_family = pytest.mark.parametrize("name", list(BUILDS))


def picture(height: int = 70, width: int = 110, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(40, 215, (height, width, 3), dtype=np.uint8)


def eager(model: LoadedModel, **inputs: object) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Logits and the attention of every layer that has rows by the model's own eager kernel."""
    kernel = model.decoder.config._attn_implementation
    model.decoder.set_attn_implementation("eager")
    try:
        with model.frozen():
            out = model.hf(**inputs, output_attentions=True)
    finally:
        model.decoder.set_attn_implementation(kernel)
    # families that drive a separate language model hand its outputs on
    inner = getattr(out, "language_model_outputs", None) or out
    attentions = [each for each in inner.attentions if each is not None]
    assert len(attentions) == len(model.row_layers)  # in a hybrid: of its full-attention layers
    return inner.logits, attentions


def received(model: LoadedModel, image: object, placement: str | None = None) -> tuple:
    """What the first layer receives: float (positions, hidden), and the token map."""
    seen: list[torch.Tensor] = []

    def keep(module: torch.nn.Module, args: tuple, kwargs: dict) -> None:
        seen.append((args[0] if args else kwargs["hidden_states"]).detach().clone())

    hook = model.layers[0].register_forward_pre_hook(keep, with_kwargs=True)
    try:
        out = vs.prefill(model, [image], PHRASE, placement=placement, stop_after=0)
    finally:
        hook.remove()
    return seen[0][0], out.token_map


@pytest.mark.parametrize("name", waiting())
def test_the_whole_proof_where_torchvision_is(name: str) -> None:
    pytest.skip(
        "its images are prepared by torchvision, or its tower is timm's, and it is not installed: "
        "`make check-long TESTS=tests/models/test_torchvision_families.py` runs its proof"
    )


# -- prompts -----------------------------------------------------------------------------


@pytest.mark.parametrize("images", [1, 2])
@each_family
def test_ids_and_tensors_are_those_of_the_processor(name: str, images: int) -> None:
    if not BUILDS[name].processor_call:
        pytest.skip("this family's processor cannot be called as a whole")
    model = made(name)
    if "processor" not in model.family.placements or "chat" not in model.family.presets:
        pytest.skip("this family fits images or writes prompts in its own way")
    if images > 1 and not model.family.many_images:
        pytest.skip("this family takes one image per prompt")
    group = [picture(), picture(130, 60, seed=1)][:images]
    ours = model.encode([group], [PHRASE], preset="chat", placement="processor").inputs
    content = [*[{"type": "image"}] * images, {"type": "text", "text": PHRASE}]
    text = model.processor.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
    )
    pictures = [[Image.fromarray(image) for image in group]]
    call = BUILDS[name].call
    theirs = model.processor(images=pictures, text=[text], return_tensors="pt", **call)
    assert ours["input_ids"].tolist() == theirs["input_ids"].tolist()
    for key, tensor in theirs.items():
        if key in ours and isinstance(tensor, torch.Tensor):
            torch.testing.assert_close(ours[key], tensor.to(ours[key].dtype), atol=0, rtol=0)
    assert "pixel_values" in ours
    # the model's own idea of positions and types included
    with model.frozen():  # in the numbers of the weights, as users cast them
        logits = model.hf(**theirs.to(model.dtype)).logits[:, -1]
    out = vs.prefill(model, [group], PHRASE, preset="chat", placement="processor")
    torch.testing.assert_close(out.logits, logits, atol=1e-5, rtol=0)


@each_family
def test_every_preset_marks_the_phrase_and_the_image(name: str) -> None:
    model = made(name)
    for preset in model.family.presets:
        prompt = Prompt("what colour is the red circle ?", phrase=(15, 29))
        tokens = vs.token_map(model, picture(), prompt, preset=preset)
        words = [tokens.tokens[position] for position in tokens.positions("phrase")]
        assert "".join(words).replace(" ", "").lower().endswith("redcircle")
        assert len(tokens.positions("image")) >= 1
        last = int(tokens.positions("text")[-1])
        assert last >= int(tokens.positions("phrase")[-1])
        answered = vs.token_map(model, picture(), Prompt(PHRASE, answer="red"), preset=preset)
        assert len(answered.positions("generated")) >= 1


# -- rows --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CAUSAL)
def test_rows_equal_eager(name: str) -> None:
    model = made(name)
    encoded = model.encode([picture()], [PHRASE])
    _, attentions = eager(model, **encoded.inputs)
    with vs.capture(model, rows="phrase", keys="all") as trace:
        vs.prefill(model, picture(), PHRASE)
    rows = trace.token_map.positions("phrase")
    expected = torch.stack([each[0][:, rows] for each in attentions])
    torch.testing.assert_close(trace.maps, expected, atol=1e-5, rtol=0)
    with vs.capture(model, rows="phrase") as cut:
        vs.prefill(model, picture(), PHRASE)
    torch.testing.assert_close(
        cut.maps, expected[..., trace.token_map.image_positions], atol=1e-5, rtol=0
    )
    assert float(cut.maps.max()) > 0


@each_family
def test_looking_changes_nothing(name: str) -> None:
    model = made(name)
    encoded = model.encode([picture()], [PHRASE])
    with torch.no_grad():
        before = model.family.forward(
            model.hf, torch.tensor([encoded.length - 1]), **encoded.inputs
        )
    with vs.capture(model):
        during = vs.prefill(model, picture(), PHRASE).logits
    with torch.no_grad():
        after = model.family.forward(model.hf, torch.tensor([encoded.length - 1]), **encoded.inputs)
    assert torch.equal(before[:, -1], during)
    assert torch.equal(before, after)


@contextlib.contextmanager
def masks_changed(
    model: LoadedModel,
    layers: list[int],
    change: Callable[[torch.Tensor], torch.Tensor],
    own_masks: bool,
) -> Iterator[None]:
    """The eager kernel of some layers gets another mask, by plain hooks of torch or by its own name."""
    parts = [model.layers[number] for number in layers]
    if own_masks:
        attentions = [model.family.attention(part) for part in parts]
        file = sys.modules[type(attentions[-1]).__module__]
        usual = file.eager_attention_forward

        def changed(module: torch.nn.Module, query, key, value, mask, **kwargs: object):
            mask = change(mask) if any(module is each for each in attentions) else mask
            return usual(module, query, key, value, mask, **kwargs)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(file, "eager_attention_forward", changed)
            yield
        return

    def hook(module: torch.nn.Module, args: tuple, kwargs: dict) -> tuple:
        return args, {**kwargs, "attention_mask": change(kwargs["attention_mask"])}

    hooks = [part.register_forward_pre_hook(hook, with_kwargs=True) for part in parts]
    try:
        yield
    finally:
        for each in hooks:
            each.remove()


@pytest.mark.parametrize("name", CAUSAL)
def test_a_knockout_equals_an_eager_reference(name: str) -> None:
    model = made(name)
    layers = [1, 2]
    with vs.capture(model, rows="phrase", keys="all") as trace:
        with vs.knockout(model, [("image", "query")], layers=layers):
            out = vs.prefill(model, picture(), PHRASE)
    tokens = trace.token_map
    rows, keys = tokens.positions("query"), tokens.positions("image")

    def without(mask: torch.Tensor) -> torch.Tensor:
        mask = mask.clone()
        at, of = np.meshgrid(rows, keys, indexing="ij")
        mask[:, :, at, of] = torch.finfo(mask.dtype).min
        return mask

    with masks_changed(model, layers, without, BUILDS[name].own_masks):
        logits, attentions = eager(model, **model.encode([picture()], [PHRASE]).inputs)
    torch.testing.assert_close(out.logits, logits[:, -1], atol=1e-4, rtol=0)
    expected = torch.stack([each[0][:, tokens.positions("phrase")] for each in attentions])
    torch.testing.assert_close(trace.maps, expected, atol=1e-4, rtol=0)
    for layer, maps in zip(trace.layers, trace.maps, strict=True):
        seen = maps[..., keys].abs().max()
        assert seen == 0.0 if layer in layers else seen > 0.0


@each_family
def test_early_stop_gives_the_same_rows(name: str) -> None:
    model = made(name)
    ran: list[int] = []
    hooks = [
        layer.register_forward_hook(lambda *_, number=number: ran.append(number))
        for number, layer in enumerate(model.layers)
    ]
    layers = model.row_layers[:2]
    with vs.capture(model, layers=layers) as cut:
        out = vs.prefill(model, picture(), PHRASE, stop_after=layers[-1])
    for hook in hooks:
        hook.remove()
    assert out.logits is None and ran == list(range(layers[-1]))
    with vs.capture(model, layers=layers) as whole:
        vs.prefill(model, picture(), PHRASE)
    torch.testing.assert_close(cut.maps, whole.maps, atol=1e-5, rtol=0)


@pytest.mark.parametrize("rows", ["last_text", "last_input"])
@each_family
def test_many_phrases_on_one_image_equal_single_passes(name: str, rows: str) -> None:
    model = made(name)
    heads = [(1, 1), (2, 0), (2, 5)]
    phrases = [PHRASE, *OTHERS]
    found = read_heads(model, picture(), phrases, rows=rows, heads=heads)
    for phrase, maps in zip(phrases, found, strict=True):
        with vs.capture(model, rows=rows) as trace:
            vs.prefill(model, picture(), phrase)
        expected = trace.rows_of(heads)
        carried = trace.token_map.carried(expected)
        np.testing.assert_allclose(maps.maps, carried, atol=1e-5, rtol=0)
        assert len(maps.token_map.image_positions) == maps.maps.shape[-1]
    if not model.family.causal_image:
        with pytest.raises(UnsupportedError, match="prefix"):
            shared_prefix(model, picture())


@each_family
def test_an_answer_on_a_shared_prefix_is_that_of_generate_and_leaves_it_as_it_was(
    name: str,
) -> None:
    model = made(name)
    if not model.family.causal_image:
        pytest.skip("the image of this family sees the text")
    preset = model.resolve_preset(None)
    prefix = shared_prefix(model, picture(), preset=preset)
    answer = prefix.answer(OTHERS[2], 6)
    plain = vs.generate(model, picture(), OTHERS[2], max_new_tokens=6, preset=preset)
    assert answer == plain.text
    heads, phrases = [(1, 1), (2, 0)], [PHRASE, OTHERS[0]]
    after = read_heads(model, picture(), phrases, heads=heads, preset=preset, prefix=prefix)
    fresh = read_heads(model, picture(), phrases, heads=heads, preset=preset)
    for one, other in zip(after, fresh, strict=True):
        np.testing.assert_allclose(one.maps, other.maps, atol=1e-6, rtol=0)


@each_family
def test_next_token_logits_of_many_prompts_equal_single_passes(name: str) -> None:
    model = made(name)
    prompts = [PHRASE, *OTHERS]
    found = next_token_logits(model, picture(), prompts)
    for prompt, row in zip(prompts, found, strict=True):
        [alone] = vs.prefill(model, picture(), prompt).logits
        torch.testing.assert_close(row, alone.float(), atol=1e-4, rtol=1e-3)


# -- pixels ------------------------------------------------------------------------------


def overlaps(boxes: np.ndarray, paint: tuple[float, ...], slack: np.ndarray) -> np.ndarray:
    x0, y0, x1, y1 = paint
    return (
        (boxes[:, 0] < x1 + slack[:, 0])
        & (boxes[:, 2] > x0 - slack[:, 0])
        & (boxes[:, 1] < y1 + slack[:, 1])
        & (boxes[:, 3] > y0 - slack[:, 1])
    )


def inside(boxes: np.ndarray, paint: tuple[float, ...], margin: np.ndarray) -> np.ndarray:
    x0, y0, x1, y1 = paint
    return (
        (boxes[:, 0] >= x0 + margin[:, 0])
        & (boxes[:, 2] <= x1 - margin[:, 0])
        & (boxes[:, 1] >= y0 + margin[:, 1])
        & (boxes[:, 3] <= y1 - margin[:, 1])
    )


@pytest.fixture(scope="module")
def quieted() -> dict[str, LoadedModel]:
    return {}


@pytest.mark.parametrize("shape", list(SHAPES))
@pytest.mark.parametrize("name", SPATIAL)
def test_painted_pixels_change_the_tokens_that_claim_them(
    name: str, shape: str, quieted: dict[str, LoadedModel]
) -> None:
    build = BUILDS[name]
    if name not in quieted:
        quieted[name] = build.make()
        build.quiet(quieted[name])
    for placement in quieted[name].family.placements:
        paint(quieted[name], build, shape, placement)


def paint(model: LoadedModel, build: Build, shape: str, placement: str) -> None:
    """Paint rectangles on a picture and compare the tokens that change with what they claim."""
    height, width = SHAPES[shape]
    plain = picture(height, width, seed=3)
    before, tokens = received_image(model, build, plain, placement)
    boxes = np.concatenate([view.boxes for view in tokens.views])
    sides = boxes[:, 2:] - boxes[:, :2]
    # a resampling kernel (bicubic, Lanczos) reaches three pixels of the coarser of its two grids; a
    # cell is several processed pixels wide, so a third of a cell and three original pixels hold it
    reach = np.maximum(3.0, sides * (0.35 + build.slack))
    visible = overlaps(boxes, (0, 0, width, height), np.zeros_like(sides))
    spared = []
    for top, left, bottom, right in (
        (0, 0, (height + 1) // 2, (width + 1) // 2),
        (height // 3, width // 3, height // 3 + height // 2, width // 3 + width // 2),
        (height // 2, 0, height, width),
    ):
        painted = plain.copy()
        painted[top:bottom, left:right] = 255 - painted[top:bottom, left:right]
        after, _ = received_image(model, build, painted, placement)
        changed = (after - before).abs().amax(-1).numpy() > 1e-5
        area = (left, top, right, bottom)
        far = changed & ~overlaps(boxes, area, reach)
        assert not far.any(), f"tokens far from the paint changed: {boxes[far][:3]}"
        within = inside(boxes, area, np.zeros_like(sides)) & visible
        assert changed[within].all(), (
            f"tokens inside did not change: {boxes[within & ~changed][:3]}"
        )
        assert changed.any()
        # two rows of tokens are both within reach of a paint that ends between them
        spared.append(not changed.all())
        assert spared[-1] or shape == "tiny" or overlaps(boxes, area, reach).all()
    assert any(spared) or shape == "tiny", "every paint changed everything: nothing was proved"


def received_image(
    model: LoadedModel, build: Build, image: np.ndarray, placement: str
) -> tuple[torch.Tensor, vs.TokenMap]:
    """Float (image tokens, hidden) in the order of the views, and the token map."""
    if build.cross:
        tokens = vs.token_map(model, image, PHRASE, placement=placement)
        return build.cross(model, image)[tokens.image_positions], tokens
    if build.entering:
        tokens = vs.token_map(model, image, PHRASE, placement=placement)
        return build.entering(model, image)[tokens.image_positions], tokens
    quantised: list[torch.Tensor] = []
    with contextlib.ExitStack() as stack:
        if build.codes:
            hook = build.codes(model).register_forward_pre_hook(
                lambda module, args: quantised.append(args[0].detach())
            )
            stack.callback(hook.remove)
        embeddings, tokens = received(model, image, placement)
    if build.codes:
        return quantised[0].flatten(0, -4)[0].flatten(1).T, tokens
    if build.streams_first:  # of the only item of the batch
        embeddings = embeddings[0]
    embeddings = embeddings.flatten(1)  # several streams at each position, behind one another
    return embeddings[tokens.image_positions], tokens


@pytest.mark.parametrize("shape", list(SHAPES))
@each_family
def test_maps_land_on_the_pixels_that_cells_claim(name: str, shape: str) -> None:
    model = made(name)
    height, width = SHAPES[shape]
    tokens = vs.token_map(model, picture(height, width), PHRASE)
    count = len(tokens.image_positions)
    ones = tokens.to_pixels(np.ones(count), "nearest")
    # views that end at different places make no rectangle together
    boxes = [view.seen(tokens.image_size) for view in tokens.views]
    seen = np.any([centres_inside(box, (height, width)) for box in boxes], axis=0)
    if BUILDS[name].spatial:
        assert (ones[seen] > 0).all(), "a pixel that the model saw is covered by no token"
        boxes = np.concatenate([view.boxes for view in tokens.views])
        for index in np.linspace(0, count - 1, 5).astype(int):
            one_hot = np.zeros(count)
            one_hot[index] = 1
            lit = np.argwhere(tokens.to_pixels(one_hot, "nearest") > 0)
            if len(lit):
                cx0, cy0, cx1, cy1 = boxes[index]
                assert lit[:, 0].min() + 1 >= np.floor(cy0) and lit[:, 0].max() <= np.ceil(cy1)
                assert lit[:, 1].min() + 1 >= np.floor(cx0) and lit[:, 1].max() <= np.ceil(cx1)
    weights = np.random.default_rng(0).random(count)
    mass = tokens.to_pixels(weights, "density").sum()
    assert mass == pytest.approx(conserved(tokens, weights), rel=1e-4)


def centres_inside(box: tuple[float, ...], size: tuple[int, int]) -> np.ndarray:
    """Bool (height, width): pixels whose centre lies in an xyxy box."""
    y, x = np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5
    return np.outer((y > box[1]) & (y < box[3]), (x > box[0]) & (x < box[2]))


def conserved(tokens: vs.TokenMap, weights: np.ndarray) -> float:
    """What a density map must sum to: the weight of every cell that shows any of the image."""
    total = 0.0
    for view, grid in zip(tokens.views, tokens.split(weights), strict=True):
        boxes = view.boxes
        height, width = tokens.image_size
        shows = overlaps(boxes, (0, 0, width, height), np.zeros((len(boxes), 2)))
        total += float(grid.reshape(-1)[shows].sum())
    return total


# -- batches, answers, several images ----------------------------------------------------


@pytest.mark.parametrize("side", ["right", "left"])
@each_family
def test_a_batch_equals_one_by_one(name: str, side: str) -> None:
    model = made(name)
    images = [picture(60, 160, seed=1), picture(110, 70, seed=2), picture(33, 35, seed=3)]
    prompts = [PHRASE, "pizza", "a large blue star"]
    if side == "left" and BUILDS[name].picks_blocks:
        with pytest.raises(UnsupportedError, match="padded on the left"):
            vs.prefill(model, images, prompts, padding_side=side)
        return
    with vs.capture(model, rows="phrase") as together:
        batch = vs.prefill(model, images, prompts, padding_side=side)
    for item, (image, prompt) in enumerate(zip(images, prompts, strict=True)):
        with vs.capture(model, rows="phrase") as alone:
            single = vs.prefill(model, image, prompt)
        torch.testing.assert_close(batch.logits[item], single.logits[0], atol=1e-4, rtol=0)
        width = alone.maps.shape[-1]
        torch.testing.assert_close(together.of(item)[..., :width], alone.maps, atol=1e-5, rtol=0)


@each_family
def test_decode_steps_equal_a_teacher_forced_pass(name: str) -> None:
    model = made(name)
    # random weights may write an image token, which a whole pass would then want an image for
    options = {"suppress_tokens": special_ids(model), "min_new_tokens": 5}
    with vs.capture(model, rows="generated") as steps:
        answer = vs.generate(model, picture(), PHRASE, max_new_tokens=5, **options)
    assert steps.maps.shape[2] == 5 and len(answer.ids) == 5
    encoded = model.encode([picture()], [PHRASE])
    ids = torch.cat([encoded.inputs["input_ids"], answer.ids[None]], dim=1)
    forced = force(model, encoded, ids)
    rows = list(range(encoded.length - 1, encoded.length + 4))
    torch.testing.assert_close(steps.maps, forced[:, :, rows], atol=1e-4, rtol=0)


def special_ids(model: LoadedModel) -> list[int]:
    tokenizer = model.processor.tokenizer
    return sorted({*tokenizer.all_special_ids, *tokenizer.added_tokens_decoder})


def force(model: LoadedModel, encoded: object, ids: torch.Tensor) -> torch.Tensor:
    """Every row of a pass over prompt and answer: (layers, heads, positions, image tokens)."""
    from vlmscope.models.prompts.prompt import PromptRequest

    batch = {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "position_ids": torch.arange(ids.shape[1])[None],
    }
    fitted = [[model.fit(picture())]]
    preset = model.family.presets[0]
    inputs = model.complete(batch, fitted, [PromptRequest(Prompt(PHRASE), 1, preset)])
    keep = encoded.token_maps[0].image_positions
    rows = list(range(ids.shape[1]))
    with vs.capture(model, rows=rows, keys="all") as trace, torch.no_grad():
        model.family.forward(model.hf, torch.tensor([0]), **inputs)
    if not model.family.crossed:
        return trace.maps[..., keep]
    blank = torch.zeros(len(trace.layers), model.decoder_shape[1], len(rows), len(keep))
    for layer in model.family.cross_layers(model.hf):
        heads = [(layer, head) for head in range(model.decoder_shape[1])]
        blank[layer] = trace.rows_of(heads)[..., keep]
    return blank


@each_family
def test_several_images_in_one_prompt(name: str) -> None:
    model = made(name)
    first, second = picture(60, 160, seed=1), picture(110, 70, seed=2)
    if not model.family.many_images:
        with pytest.raises(UnsupportedError, match="one image per prompt"):
            vs.prefill(model, [[first, second]], PHRASE)
        return
    with vs.capture(model) as trace:
        out = vs.prefill(model, [[first, second]], PHRASE)
    tokens = trace.token_map
    assert tokens.images == 2 and tokens.more_sizes == ((110, 70),)
    alone, columns = tokens.of_image(1)
    assert alone.image_size == (110, 70) and len(alone.image_positions) == len(columns)
    assert trace.maps.shape[-1] == len(tokens.image_positions)
    with vs.capture(model, keys="all") as every:
        again = vs.prefill(model, [[first, second]], PHRASE)
    torch.testing.assert_close(
        every.maps[..., tokens.image_positions], trace.maps, atol=1e-6, rtol=0
    )
    swapped = vs.prefill(model, [[first, 255 - second]], PHRASE)
    assert torch.equal(out.logits, again.logits)
    assert not torch.equal(out.logits, swapped.logits)


# -- what a family says of itself --------------------------------------------------------


@each_family
def test_blocking_the_image_from_everything_hides_it(name: str) -> None:
    model = made(name)
    try:
        with vs.knockout(model, [("image", "text")]):
            one = vs.prefill(model, picture(seed=1), PHRASE).logits
            other = vs.prefill(model, 255 - picture(seed=1), PHRASE).logits
    except KnockoutError:
        assert any("knock" in limit for limit in model.family.limits), "an undeclared limit"
        return
    # a state carries the image past every edge, or it decides which text is read, and that is said
    if model.family.recurrent or BUILDS[name].picks_blocks:
        assert any("knock-out" in limit for limit in model.family.limits), "an undeclared limit"
        assert (one - other).abs().max() > 1e-4
    else:
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)
    clean = vs.prefill(model, picture(seed=1), PHRASE).logits
    assert (clean - one).abs().max() > 1e-4


@each_family
def test_it_describes_itself(name: str) -> None:
    family = made(name).family
    assert family.id and family.model_types and family.presets and family.placements
    assert all(isinstance(limit, str) and limit for limit in family.limits)
    assert family.causal_image or any("prefix" in limit for limit in family.limits)
    assert family.many_images or any("one image" in limit for limit in family.limits)


@each_family
def test_an_unknown_placement_is_refused_with_those_there_are(name: str) -> None:
    from vlmscope.errors import UnknownNameError

    model = made(name)
    with pytest.raises(UnknownNameError, match=model.family.placements[0]):
        vs.token_map(model, picture(), PHRASE, placement="processr")
