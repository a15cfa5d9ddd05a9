import copy

import pytest
import torch

from cvgen_course.cyclegan.exercises.players import (
    CALM_ADAM,
    CALM_MOMENTUM,
    IMAGE,
    MARGIN,
    drawn,
    game,
    images,
    ready,
)


def rng(seed=1):
    return torch.Generator().manual_seed(seed)


def only(kind, **options):
    (network,) = ready(drawn(rng(), [kind], **options)).network.children()
    return network


def test_generators_keep_the_shape_of_images():
    x = images(rng(), 3)
    assert x.shape == (3, *IMAGE)
    assert only("generator")(x).shape == x.shape


@pytest.mark.parametrize(
    ("kind", "shape"),
    [("patches", (5, 1, 2, 3)), ("normed patches", (5, 1, 2, 3)), ("images", (5,))],
)
def test_discriminators_give_logits_of_their_shape(kind, shape):
    assert only(kind)(images(rng(), 5)).shape == shape


def test_batch_norm_alone_mixes_images():
    x = images(rng(), 4)
    for kind in ("generator", "patches", "images"):
        torch.testing.assert_close(only(kind)(x)[:2], only(kind)(x[:2]))
    assert not torch.allclose(only("normed patches")(x)[:2], only("normed patches")(x[:2]))


def test_ready_makes_the_same_networks_again():
    data = drawn(rng(), ["generator", "images"], CALM_ADAM)
    first = ready(data)
    before = first.parameters
    for parameter in first.network.parameters():
        parameter.data.zero_()
    assert torch.equal(ready(data).parameters, before)
    assert before.abs().min() > 0.09


def test_ready_gives_both_networks_one_optimizer():
    player = ready(drawn(rng(), ["generator"] * 2, leftovers=True))
    gradients = torch.cat([p.grad.flatten() for p in player.network.parameters()])
    before = player.parameters
    player.optimizer.step()
    torch.testing.assert_close(player.parameters, before - 0.5 * gradients)


def test_ready_leaves_no_gradients_unless_asked():
    player = ready(drawn(rng(), ["generator", "patches"]))
    assert all(parameter.grad is None for parameter in player.network.parameters())


def test_networks_in_float64_are_float64_all_through():
    network = only("normed patches", dtype=torch.float64)
    state = network.state_dict().values()
    assert {x.dtype for x in state if x.is_floating_point()} == {torch.float64}
    assert network(images(rng(), 2, torch.float64)).dtype == torch.float64


@pytest.mark.parametrize("seed", range(5))
def test_game_is_decided_by_no_rounding(seed):
    inputs = game(rng(seed), (3, 2), (1, 4), (2, 2), optimizer=CALM_MOMENTUM)
    (g_ab, g_ba) = ready(copy.deepcopy(inputs["generators"])).network.children()
    a, b = inputs["a"][0], inputs["b"][0]
    assert [len(x) for x in inputs["a"]] == [3, 1, 2]
    with torch.no_grad():
        for x, y in ((g_ba(g_ab(a)), a), (g_ab(g_ba(b)), b), (g_ab(b), b), (g_ba(a), a)):
            assert (x - y).abs().min() > MARGIN
