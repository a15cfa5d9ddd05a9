import pytest
import torch
from support.small_pixelcnns import (
    MODELS,
    conditional,
    gated,
    labels_for,
    pixelcnn,
    random_levels,
)
from torch import nn

from cvgen_course.pixelcnn import Cached, complete, sample
from cvgen_course.pixelcnn.inputs import LevelInput

torch.set_num_threads(1)
every_model = pytest.mark.parametrize("name", MODELS)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


class Recorder(nn.Module):
    """A network that remembers what it is asked, and answers with fixed logits.

    It is sure of the level that is one more than that of the place before (in raster order, the
    channels of a pixel one after the other), modulo K.
    """

    num_classes = None

    def __init__(self, num_levels=4, channels=1, sure=50.0):
        super().__init__()
        self.inputs = LevelInput(num_levels, channels, None)
        self.sure = sure
        self.asked, self.modes, self.gradients = [], [], []
        self.dropout = nn.Dropout(0.5)

    def forward(self, levels, labels=None):
        self.asked.append(levels.clone())
        self.modes.append((self.training, self.dropout.training))
        self.gradients.append(torch.is_grad_enabled())
        places = levels.movedim(1, -1)  # (N, H, W, C)
        flat = places.flatten(1)
        before = torch.cat([torch.zeros_like(flat[:, :1]), flat[:, :-1]], dim=1)
        surest = ((before + 1) % self.inputs.num_levels).view_as(places).movedim(-1, 1)
        return self.sure * nn.functional.one_hot(surest, self.inputs.num_levels).movedim(-1, 1)


class Uniform(nn.Module):
    """All levels equally likely, and nothing to learn."""

    num_classes = None

    def __init__(self, num_levels=4):
        super().__init__()
        self.inputs = LevelInput(num_levels, 1, None)

    def forward(self, levels, labels=None):
        N, C, H, W = levels.shape
        return torch.zeros(N, self.inputs.num_levels, C, H, W)


class Failing(Recorder):
    """It gives up at the third question."""

    def forward(self, levels, labels=None):
        if len(self.asked) == 2:
            raise RuntimeError("out of patience")
        return super().forward(levels, labels)


def naive_complete(model, levels, known, labels=None, temperature=1.0, generator=None):
    """For each place in order: all logits, those of the place, their softmax, one draw."""
    C, H, W = levels.shape[1:]
    out = torch.where(known, levels, torch.zeros_like(levels))
    for i in range(H):
        for j in range(W):
            for c in range(C):
                if not known[i, j]:
                    with torch.no_grad():
                        logits = model(out, labels)[:, :, c, i, j]
                    probs = (logits / temperature).softmax(dim=1)
                    for n, level in enumerate(torch.multinomial(probs, 1, generator=generator)):
                        out[n, c, i, j] = level
    return out


@pytest.mark.parametrize("channels", [1, 3])
def test_sample_goes_row_by_row_and_channel_by_channel(channels):
    """Each level is one more than the one before: the image itself shows the order."""
    model = Recorder(num_levels=50, channels=channels)
    drawn = sample(model, (2, channels, 3, 4))
    expected = torch.arange(1, 12 * channels + 1).view(3, 4, channels).movedim(-1, 0)
    assert torch.equal(drawn, expected.expand(2, -1, -1, -1))
    assert drawn.dtype == torch.int64


@pytest.mark.parametrize("channels", [1, 2])
def test_sample_asks_once_for_each_place_with_all_before_it_and_nothing_after(channels):
    model = Recorder(num_levels=50, channels=channels)
    drawn = sample(model, (1, channels, 2, 3))
    in_order = drawn.movedim(1, -1).flatten()
    assert len(model.asked) == len(in_order)
    for number, levels in enumerate(model.asked):
        seen = levels.movedim(1, -1).flatten()
        assert torch.equal(seen[:number], in_order[:number])
        assert seen[number:].eq(0).all()


def test_sample_asks_in_evaluation_mode_and_without_gradients():
    model = Recorder()
    sample(model, (1, 1, 2, 2))
    assert set(model.modes) == {(False, False)}
    assert set(model.gradients) == {False}
    assert not sample(pixelcnn(), (1, 1, 2, 2)).requires_grad


@pytest.mark.parametrize("training", [True, False])
def test_sample_leaves_the_mode_as_it_was(training):
    for model in (Recorder().train(training), gated().train(training)):
        sample(model, (1, 1, 2, 2))
        assert {module.training for module in model.modules()} == {training}


@pytest.mark.parametrize("training", [True, False])
def test_sample_leaves_the_mode_as_it_was_after_an_error(training):
    model = Failing().train(training)
    with pytest.raises(RuntimeError, match="out of patience"):
        sample(model, (1, 1, 2, 2))
    assert model.modes == [(False, False)] * 2
    assert {module.training for module in model.modules()} == {training}
    model = gated().train(training)
    with pytest.raises(ValueError, match="temperature"):
        sample(model, (1, 1, 2, 2), temperature=-1.0)
    assert model.training is training


def test_sample_leaves_gradients_to_whoever_had_them():
    sample(Recorder(), (1, 1, 1, 1))
    assert torch.is_grad_enabled()
    with torch.no_grad():
        sample(Recorder(), (1, 1, 1, 1))
        assert not torch.is_grad_enabled()


def test_sample_draws_levels_it_does_not_take_their_mean_or_the_likeliest():
    drawn = sample(Uniform(), (1, 1, 40, 50), rng=rng())
    counts = drawn.flatten().bincount(minlength=4)
    assert counts.sum() == 2000
    assert (counts - 500).abs().max() < 100  # five standard deviations


@every_model
@pytest.mark.parametrize("temperature", [1.0, 0.5])
@pytest.mark.parametrize("shape", [(3, 1, 3, 4), (1, 1, 1, 1), (2, 1, 1, 5)])
def test_sample_equals_a_loop(name, shape, temperature):
    model = MODELS[name]().eval()
    labels = labels_for(model, shape[0])
    levels, known = torch.zeros(shape).long(), torch.zeros(shape[2:]).bool()
    expected = naive_complete(model, levels, known, labels, temperature, rng())
    assert torch.equal(sample(model, shape, labels, temperature, rng()), expected)


@pytest.mark.parametrize("make", [pixelcnn, gated])
def test_sample_in_colour_equals_a_loop(make):
    model, levels = make(channels=3, width=12), torch.zeros(3, 3, 2, 3).long()
    expected = naive_complete(model, levels, torch.zeros(2, 3).bool(), generator=rng())
    assert torch.equal(sample(model, levels.shape, rng=rng()), expected)


def test_sample_follows_its_generator_and_nothing_else():
    model, shape = gated(), (4, 1, 3, 3)
    state = torch.get_rng_state()
    first = sample(model, shape, rng=rng(1))
    assert torch.equal(torch.get_rng_state(), state)  # torch's own one is left alone
    assert torch.equal(sample(model, shape, rng=rng(1)), first)
    assert not torch.equal(sample(model, shape, rng=rng(2)), first)


def test_sample_without_a_generator_follows_torchs():
    model, shape = gated(), (4, 1, 3, 3)
    torch.manual_seed(3)
    drawn = sample(model, shape)
    assert torch.equal(drawn, sample(model, shape, rng=rng(3)))


@every_model
def test_sample_at_temperature_0_takes_the_likeliest_at_each_place(name):
    model = MODELS[name]()
    labels = labels_for(model, 4)
    drawn = sample(model, (4, 1, 3, 3), labels, temperature=0)
    assert torch.equal(model(drawn, labels).argmax(dim=1), drawn)
    assert torch.equal(sample(model, (4, 1, 3, 3), labels, 0, rng(9)), drawn)
    if labels is None:
        assert torch.equal(drawn, drawn[:1].expand_as(drawn))


def test_sample_listens_to_labels():
    model = conditional(num_layers=2)
    one = sample(model, (500, 1, 2, 2), torch.zeros(500).long(), rng=rng())
    other = sample(model, (500, 1, 2, 2), torch.ones(500).long(), rng=rng())
    assert (one.double().mean(dim=0) - other.double().mean(dim=0)).abs().max() > 0.2


@pytest.mark.parametrize("shape", [(0, 1, 3, 3), (1, 1, 3, 3), (1, 1, 1, 1), (2, 1, 1, 7)])
@every_model
def test_sample_of_any_size(name, shape):
    model = MODELS[name]()
    labels = labels_for(model, shape[0])
    drawn = sample(model, shape, labels)
    assert drawn.shape == shape
    assert drawn.ge(0).all()
    assert drawn.lt(3).all()


def test_sample_asks_logits_at_in_its_place():
    """A shorter way is asked once for each place, and the network itself never."""
    model, asked = Recorder(num_levels=3, channels=2), []

    def logits_at(levels, i, j):
        asked.append((i, j))
        return torch.tensor([0.0, 50.0, 0.0]).view(1, 3, 1).expand(len(levels), 3, 2)

    assert sample(model, (2, 2, 2, 2), logits_at=logits_at).eq(1).all()
    assert asked == [(0, 0), (0, 0), (0, 1), (0, 1), (1, 0), (1, 0), (1, 1), (1, 1)]
    assert model.asked == []


KNOWN = {
    "nothing": torch.zeros(3, 4).bool(),
    "upper half": torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]]).bool(),
    "left half": torch.tensor([[1, 1, 0, 0]] * 3).bool(),
    "last pixel": torch.tensor([[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]]).bool(),
    "here and there": torch.tensor([[0, 1, 0, 1], [1, 0, 0, 1], [0, 0, 1, 0]]).bool(),
    "all but one": torch.tensor([[1, 1, 1, 1], [1, 1, 0, 1], [1, 1, 1, 1]]).bool(),
    "everything": torch.ones(3, 4).bool(),
}


@pytest.mark.parametrize("which", KNOWN)
@every_model
def test_complete_equals_a_loop(name, which):
    model, known, levels = MODELS[name](), KNOWN[which], random_levels(3, 1, 3, 4)
    labels = labels_for(model, 3)
    expected = naive_complete(model, levels, known, labels, 0.8, rng())
    drawn = complete(model, levels, known, labels, 0.8, rng())
    assert torch.equal(drawn, expected)
    assert torch.equal(drawn[..., known], levels[..., known])


@pytest.mark.parametrize("which", ["left half", "here and there"])
@pytest.mark.parametrize("make", [pixelcnn, gated])
def test_complete_in_colour_equals_a_loop(make, which):
    model, known, levels = make(channels=3, width=12), KNOWN[which], random_levels(2, 3, 3, 4)
    expected = naive_complete(model, levels, known, generator=rng())
    assert torch.equal(complete(model, levels, known, rng=rng()), expected)


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("which", KNOWN)
def test_complete_ignores_what_stands_at_unknown_pixels(which, cached):
    model, known, levels = gated(), KNOWN[which], random_levels(3, 1, 3, 4)
    others = torch.where(known, levels, random_levels(3, 1, 3, 4, seed=1))
    logits_at = [Cached(model, levels.shape) if cached else None for _ in range(2)]
    drawn = complete(model, levels, known, rng=rng(), logits_at=logits_at[0])
    assert torch.equal(complete(model, others, known, rng=rng(), logits_at=logits_at[1]), drawn)


def test_complete_never_shows_what_stands_at_unknown_pixels():
    model, known = Recorder(num_levels=50), KNOWN["here and there"]
    levels = torch.full((1, 1, 3, 4), 49)
    drawn = complete(model, levels, known)
    for asked, (i, j) in zip(model.asked, (~known).nonzero().tolist(), strict=True):
        place = 4 * i + j
        assert torch.equal(asked.flatten()[:place], drawn.flatten()[:place])
        later = asked.flatten()[place:]
        assert torch.equal(later, torch.where(known.flatten()[place:], 49, 0))


def test_complete_leaves_its_arguments_as_they_are():
    levels, known = random_levels(2, 1, 3, 4), KNOWN["here and there"].clone()
    before = levels.clone(), known.clone()
    for mask in (known, torch.ones(3, 4).bool()):
        drawn = complete(gated(), levels, mask, rng=rng())
        drawn.zero_()
        assert torch.equal(levels, before[0])
    assert torch.equal(known, before[1])


def test_complete_of_everything_draws_nothing():
    model, state = Recorder(), torch.get_rng_state()
    levels = random_levels(2, 1, 3, 4)
    assert torch.equal(complete(model, levels, KNOWN["everything"]), levels)
    assert model.asked == []
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("training", [True, False])
def test_complete_leaves_the_mode_as_it_was(training):
    model = Recorder().train(training)
    complete(model, torch.zeros(1, 1, 3, 4).long(), KNOWN["left half"])
    assert model.training is training
    assert set(model.modes) == {(False, False)}


def test_complete_of_no_image_is_none():
    drawn = complete(gated(), torch.zeros(0, 1, 3, 4).long(), KNOWN["left half"])
    assert drawn.shape == (0, 1, 3, 4)


@pytest.mark.parametrize("temperature", [-1.0, float("nan"), float("inf")])
def test_sample_and_complete_refuse_what_is_no_temperature(temperature):
    message = f"temperature: expected a finite number, 0 or more, got {temperature}"
    with pytest.raises(ValueError, match=message):
        sample(gated(), (1, 1, 2, 2), temperature=temperature)
    with pytest.raises(ValueError, match=message):
        complete(
            gated(),
            torch.zeros(1, 1, 3, 4).long(),
            KNOWN["left half"],
            temperature=temperature,
        )


def test_sample_says_what_is_wrong_with_shapes_and_labels():
    with pytest.raises(ValueError, match=r"levels: .*\(N, 1, H, W\), got shape \(2, 3, 4, 4\)"):
        sample(gated(), (2, 3, 4, 4))
    with pytest.raises(TypeError, match=r"labels: expected one for each image.*got None"):
        sample(conditional(), (2, 1, 4, 4))
    with pytest.raises(ValueError, match=r"labels: .*\[0, 2\), got values from 2 to 2"):
        sample(conditional(), (1, 1, 4, 4), torch.tensor([2]))
    with pytest.raises(ValueError, match="labels: expected None"):
        sample(gated(), (1, 1, 4, 4), torch.tensor([0]))


def test_complete_looks_at_labels_before_it_asks_anybody():
    levels, labels = torch.zeros(1, 1, 3, 4).long(), torch.tensor([2])
    with pytest.raises(ValueError, match=r"labels: .*\[0, 2\), got values from 2 to 2"):
        complete(conditional(), levels, KNOWN["everything"], labels)


@pytest.mark.parametrize(
    ("levels", "known", "error", "message"),
    [
        (torch.zeros(1, 1, 3, 4), KNOWN["nothing"], TypeError, r"levels: .*to_levels\(images"),
        (torch.full((1, 1, 3, 4), 3), KNOWN["nothing"], ValueError, r"levels: .* in \[0, 3\)"),
        (torch.full((1, 1, 3, 4), -1), KNOWN["nothing"], ValueError, r"levels: .* in \[0, 3\)"),
        (random_levels(1, 3, 4), KNOWN["nothing"], ValueError, r"levels: .* got shape \(1, 3, 4"),
        (random_levels(1, 1, 3, 4), torch.zeros(3, 4), TypeError, r"known: .* bool .*float32"),
        (
            *(random_levels(1, 1, 3, 4), torch.zeros(4, 3).bool()),
            *(ValueError, r"known: expected .*\(3, 4\), got shape \(4, 3\)"),
        ),
        (
            *(random_levels(1, 1, 3, 4), torch.zeros(1, 1, 3, 4).bool()),
            *(ValueError, r"known: expected .*\(H, W\).*, got shape \(1, 1, 3, 4\)"),
        ),
        (random_levels(1, 1, 3, 4), None, TypeError, "known: .* got NoneType"),
    ],
)
def test_complete_says_what_is_wrong(levels, known, error, message):
    with pytest.raises(error, match=message):
        complete(gated(), levels, known)
