import pytest
import torch
from support.small_pixelcnns import (
    MODELS,
    conditional,
    gated,
    labels_for,
    over_codes,
    pixelcnn,
    random_levels,
    train,
)

from cvgen_course.pixelcnn import Cached, GatedPixelCNN, PixelCNN, complete, sample

torch.set_num_threads(1)

NETWORKS = {
    "PixelCNN": (pixelcnn, {}),
    "gated": (gated, {}),
    "conditional": (conditional, {}),
    "over codes": (over_codes, {}),
    "PixelCNN in colour": (pixelcnn, {"channels": 3, "width": 12}),
    "gated in colour": (gated, {"channels": 3}),
    "conditional in two channels": (conditional, {"channels": 2}),
    "PixelCNN, kernels of 1": (pixelcnn, {"kernel_size": 1, "first_kernel_size": 1}),
    "gated, kernels of 1": (gated, {"kernel_size": 1, "first_kernel_size": 1}),
    "PixelCNN, kernels of 5": (pixelcnn, {"kernel_size": 5, "first_kernel_size": 7}),
    "gated, kernels of 5": (gated, {"kernel_size": 5, "first_kernel_size": 7}),
    "gated, kernels of 1 after 7": (gated, {"kernel_size": 1, "first_kernel_size": 7}),
    "gated in colour, 1 after 3": (gated, {"channels": 2, "kernel_size": 1}),
    "one layer": (gated, {"num_layers": 1}),
    "no block": (pixelcnn, {"num_layers": 0}),
}
every_network = pytest.mark.parametrize("name", NETWORKS)


def network(name):
    make, options = NETWORKS[name]
    return make(**options)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def logits_one_by_one(model, levels, labels):
    """Return all logits from a cache that is shown no more than what comes before each pixel.

    Of a pixel with channels, it is asked once for each channel, as `sample` does.
    """
    N, C, H, W = levels.shape
    cached = Cached(model, levels.shape, labels)
    out = torch.zeros(N, model.inputs.num_levels, C, H, W)
    seen = torch.zeros_like(levels)
    for i in range(H):
        for j in range(W):
            for c in range(C):
                out[:, :, c, i, j] = cached(seen, i, j)[:, :, c]
                seen[:, c, i, j] = levels[:, c, i, j]
    return out


def assert_as_good(got, expected):
    """Demand 1e-5 of the largest logit."""
    scale = expected.abs().max().clamp(min=1.0).item()
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-5 * scale)


@pytest.mark.parametrize(
    "shape", [(3, 4, 6), (2, 5, 3), (1, 1, 1), (2, 1, 5), (2, 5, 1), (0, 2, 2)]
)
@every_network
def test_cached_logits_are_the_networks(name, shape):
    model = network(name)
    N, H, W = shape
    levels, labels = random_levels(N, model.inputs.channels, H, W), labels_for(model, N)
    with torch.no_grad():
        expected = model(levels, labels)
    assert expected.numel() == 0 or expected.std() > 0.1
    if expected.numel():
        assert_as_good(logits_one_by_one(model, levels, labels), expected)
    else:
        assert logits_one_by_one(model, levels, labels).shape == expected.shape


@pytest.mark.parametrize("make", [pixelcnn, gated])
def test_cached_logits_are_the_networks_after_training(make):
    """Also where momentum and weight decay have moved what is masked."""
    model = train(
        make(), lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, weight_decay=0.1), steps=5
    )
    levels = random_levels(2, 1, 4, 4)
    with torch.no_grad():
        assert_as_good(logits_one_by_one(model, levels, None), model(levels))


@pytest.mark.parametrize("first_kernel_size", [3, 7])
@pytest.mark.parametrize("make", [PixelCNN, GatedPixelCNN])
def test_cached_logits_are_those_of_ten_layers_at_full_size(make, first_kernel_size):
    """At a pixel of each row down to the middle; the cache itself visits those between."""
    torch.manual_seed(0)
    model = make(num_levels=4, width=8, num_layers=10, first_kernel_size=first_kernel_size)
    levels = random_levels(16, 1, 28, 28, num_levels=4)
    cached = Cached(model, levels.shape)
    with torch.no_grad():
        expected = model(levels)
    for number in range(0, 15 * 28, 29):
        i, j = divmod(number, 28)
        torch.testing.assert_close(cached(levels, i, j), expected[..., i, j], rtol=0, atol=1e-5)


@pytest.mark.parametrize("temperature", [1.0, 0.0])
@every_network
def test_cached_samples_are_the_naive_ones(name, temperature):
    model = network(name)
    shape = (3, model.inputs.channels, 3, 4)
    labels = labels_for(model, 3)
    naive = sample(model, shape, labels, temperature, rng())
    quick = sample(model, shape, labels, temperature, rng(), Cached(model, shape, labels))
    assert torch.equal(quick, naive)


KNOWN = {
    "upper half": torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]]).bool(),
    "left half": torch.tensor([[1, 1, 0, 0]] * 3).bool(),
    "right half": torch.tensor([[0, 0, 1, 1]] * 3).bool(),
    "here and there": torch.tensor([[0, 1, 0, 1], [1, 0, 0, 1], [0, 0, 1, 0]]).bool(),
    "a row in between": torch.tensor([[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]]).bool(),
    "all but the last": torch.tensor([[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 0]]).bool(),
}


@pytest.mark.parametrize("which", KNOWN)
@pytest.mark.parametrize(
    "name",
    [*MODELS, "PixelCNN in colour", "gated in colour", "gated, kernels of 5"],
)
def test_cached_completions_are_the_naive_ones(name, which):
    """Where known pixels are passed over, the cache catches up."""
    model, known = network(name), KNOWN[which]
    levels, labels = random_levels(2, model.inputs.channels, 3, 4), labels_for(model, 2)
    naive = complete(model, levels, known, labels, rng=rng())
    logits_at = Cached(model, levels.shape, labels)
    assert torch.equal(complete(model, levels, known, labels, 1.0, rng(), logits_at), naive)


@every_network
def test_cached_may_be_asked_for_a_pixel_again(name):
    model = network(name)
    levels, labels = random_levels(2, model.inputs.channels, 3, 4), labels_for(model, 2)
    cached = Cached(model, levels.shape, labels)
    with torch.no_grad():
        expected = model(levels, labels)
    for i, j in ((0, 0), (0, 0), (1, 0), (1, 0), (1, 2), (2, 3), (2, 3)):
        assert_as_good(cached(levels, i, j), expected[..., i, j])


@pytest.mark.parametrize("make", [pixelcnn, gated])
def test_cached_catches_up_with_channels_drawn_since_a_pixel_was_asked_for(make):
    """Whoever asks for a pixel once, before its channels are drawn, gets the next ones right."""
    model, levels = make(channels=3, width=12), random_levels(2, 3, 3, 4)
    cached, seen = Cached(model, levels.shape), torch.zeros_like(levels)
    with torch.no_grad():
        expected = model(levels)
    for i in range(3):
        for j in range(4):
            first = cached(seen, i, j)[:, :, 0]  # the others follow what is not drawn yet
            assert_as_good(first, expected[:, :, 0, i, j])
            seen[:, :, i, j] = levels[:, :, i, j]


def test_cached_does_not_read_what_comes_later():
    for model in (pixelcnn(channels=2), gated(channels=2)):
        levels = random_levels(2, 2, 3, 4)
        one, other = Cached(model, levels.shape), Cached(model, levels.shape)
        for i in range(3):
            for j in range(4):
                later = torch.full_like(levels, 2)
                later[:, :, :i] = levels[:, :, :i]
                later[:, :, i, :j] = levels[:, :, i, :j]
                later[:, 0, i, j] = levels[:, 0, i, j]
                torch.testing.assert_close(one(later, i, j), other(levels, i, j))


@every_network
def test_cached_leaves_the_network_as_it_is(name):
    model = network(name).train()
    model.layers[0].eval()  # modes may differ
    modules, modes = list(model.modules()), [module.training for module in model.modules()]
    parameters = list(model.parameters())
    state = {key: value.clone() for key, value in model.state_dict().items()}
    labels = labels_for(model, 2)
    levels = random_levels(2, model.inputs.channels, 2, 2)
    cached = Cached(model, levels.shape, labels)
    cached(levels, 1, 1)
    assert [id(module) for module in model.modules()] == [id(module) for module in modules]
    assert [module.training for module in model.modules()] == modes
    assert [id(p) for p in model.parameters()] == [id(p) for p in parameters]
    assert all(p.requires_grad and p.grad is None for p in parameters)
    assert model.state_dict().keys() == state.keys()
    for key, value in model.state_dict().items():
        assert torch.equal(value, state[key]), key


def test_cached_shares_the_weights():
    model = conditional()
    cached = Cached(model, (1, 1, 2, 2), torch.tensor([0]))
    mine = {id(parameter) for parameter in model.parameters()}
    assert {id(parameter) for parameter in cached.model.parameters()} <= mine


def test_cached_keeps_no_gradients():
    cached = Cached(gated(), (1, 1, 2, 2))
    assert not cached(torch.zeros(1, 1, 2, 2).long(), 0, 1).requires_grad
    assert torch.is_grad_enabled()


def test_cached_refuses_an_image_larger_than_it_was_made_for():
    cached = Cached(gated(), (2, 1, 3, 3))
    for shape in ((2, 1, 4, 3), (2, 1, 3, 2), (1, 1, 3, 3), (3, 3)):
        with pytest.raises(
            ValueError, match=r"levels: expected shape \(2, 1, 3, 3\), .* got .*make a new Cached"
        ):
            cached(torch.zeros(shape).long(), 0, 0)
    with pytest.raises(ValueError, match=r"levels: expected shape \(2, 1, 3, 3\)"):
        sample(gated(), (2, 1, 4, 4), logits_at=cached)


@pytest.mark.parametrize("place", [(3, 0), (0, 3), (-1, 0), (0, -1)])
def test_cached_refuses_pixels_outside_of_the_image(place):
    cached = Cached(gated(), (1, 1, 3, 3))
    with pytest.raises(ValueError, match=r"i, j: expected a pixel in \(3, 3\) .* got \(-?\d, -?\d"):
        cached(torch.zeros(1, 1, 3, 3).long(), *place)


def test_cached_refuses_to_go_back():
    model, shape = gated(), (1, 1, 3, 3)
    cached, levels = Cached(model, shape), torch.zeros(1, 1, 3, 3).long()
    cached(levels, 1, 2)
    for place in ((1, 1), (0, 0), (0, 2)):
        with pytest.raises(ValueError, match=r"i, j: .* not before \(1, 2\), got .*a new Cached"):
            cached(levels, *place)
    cached(levels, 1, 2)
    cached(levels, 2, 0)
    sample(model, shape, logits_at=(used := Cached(model, shape)))
    with pytest.raises(ValueError, match=r"i, j: .* not before \(2, 2\), got \(0, 0\)"):
        sample(model, shape, logits_at=used)


def test_cached_says_what_is_wrong_with_labels():
    with pytest.raises(TypeError, match=r"labels: expected one for each image, .* got None"):
        Cached(conditional(), (2, 1, 3, 3))
    with pytest.raises(ValueError, match=r"labels: .*\[0, 2\), got values from 0 to 2"):
        Cached(conditional(), (2, 1, 3, 3), torch.tensor([0, 2]))
    with pytest.raises(ValueError, match=r"labels: expected .*\(2,\), got shape \(1,\)"):
        Cached(conditional(), (2, 1, 3, 3), torch.tensor([0]))
    with pytest.raises(ValueError, match="labels: expected None"):
        Cached(gated(), (2, 1, 3, 3), torch.tensor([0, 0]))
