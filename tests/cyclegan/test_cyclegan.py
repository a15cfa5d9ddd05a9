import copy
import io

import pytest
import torch
from safetensors.torch import load, save

from cvgen_course.cyclegan import (
    CycleGAN,
    PatchGAN,
    ResNetGenerator,
    UNetGenerator,
    generators_loss,
    linear_decay,
)
from cvgen_course.data.unpaired import UnpairedImages
from cvgen_course.training import Phase, fit

torch.set_num_threads(1)
GENERATORS = {
    "resnet": lambda: ResNetGenerator(3, 4, 1, 1, False, "resize"),
    "unet": lambda: UNetGenerator(3, 4, 2),
}
PHASES = (
    Phase("generators", lambda game, batch: game.generators_loss(*batch)),
    Phase("discriminators", lambda game, batch: game.discriminators_loss(*batch)),
)


def made(kind="resnet", **options):
    torch.manual_seed(0)
    return CycleGAN(GENERATORS[kind], lambda: PatchGAN(3, 4, 1), **options)


def batches(N=2, M=3, seed=1):
    rng = torch.Generator().manual_seed(seed)
    return [torch.rand(n, 3, 8, 8, generator=rng) * 2 - 1 for n in (N, M)]


def dark_and_light(num=12):
    """Return a data set of dark, reddish images, and of light ones."""
    rng = torch.Generator().manual_seed(0)
    dark, light = (torch.randint(60, (num, 3, 8, 8), generator=rng) for _ in range(2))
    return UnpairedImages(dark.byte().numpy(), (light + 190).byte().numpy(), ("dark", "light"))


def test_cyclegan_has_two_of_each():
    game = made(capacity=7)
    assert set(game.generators) == {"ab", "ba"}
    assert set(game.discriminators) == set(game.pools) == {"a", "b"}
    assert [pool.capacity for pool in game.pools.values()] == [7, 7]
    first, second = (list(each.parameters()) for each in game.generators.values())
    assert not torch.equal(first[0], second[0])


def test_cyclegan_translates_both_ways():
    game, (a, b) = made(), batches()
    assert torch.equal(game.to_b(a), game.generators["ab"](a))
    assert torch.equal(game.to_a(b), game.generators["ba"](b))
    assert not torch.equal(game.to_b(a), game.to_a(a))


@pytest.mark.parametrize("options", [{}, {"cycle_weights": (1.0, 2.0), "identity_weight": 0.5}])
def test_cyclegan_generators_loss_is_the_functions(options):
    game, (a, b) = made(**options), batches()
    weights = options.values() or ((5.0, 5.0), 2.5)
    discriminators = game.discriminators["a"], game.discriminators["b"]
    expected = generators_loss((game.to_b, game.to_a), discriminators, a, b, *weights).parts
    found = game.generators_loss(a, b)
    assert found.keys() == expected.keys()
    for name, part in found.items():
        torch.testing.assert_close(part, expected[name])


def test_cyclegan_discriminators_loss_is_of_the_fakes_that_were_just_made():
    game, (a, b) = made(), batches()
    game.generators_loss(a, b)
    fakes = game.to_a(b).detach(), game.to_b(a).detach()
    for parameter in game.generators.parameters():
        parameter.data.zero_()  # the generators have moved on since
    expected = 0
    for of, real, fake in (("a", a, fakes[0]), ("b", b, fakes[1])):
        judge = game.discriminators[of]
        expected += ((judge(real) - 1) ** 2).mean() / 2 + (judge(fake) ** 2).mean() / 2
    torch.testing.assert_close(game.discriminators_loss(a, b), expected)
    assert len(game.pools["a"].images) == 3  # translations of b
    assert len(game.pools["b"].images) == 2
    torch.testing.assert_close(torch.stack(game.pools["a"].images), fakes[0])
    torch.testing.assert_close(torch.stack(game.pools["b"].images), fakes[1])


def test_cyclegan_discriminators_are_shown_old_fakes_too():
    game, (a, b) = made(capacity=4), batches(4, 4)
    seen = []
    game.discriminators["a"].register_forward_pre_hook(lambda _, x: seen.append(x[0]))
    for pool in game.pools.values():
        pool.query(torch.full((4, 3, 8, 8), 7.0))
    game.generators_loss(a, b)
    seen.clear()
    game.discriminators_loss(a, b)
    real, shown = seen
    assert real is a
    assert 0 < (shown == 7).all(dim=(1, 2, 3)).sum() < 4
    seen.clear()
    game = made(capacity=0)
    game.discriminators["a"].register_forward_pre_hook(lambda _, x: seen.append(x[0]))
    game.generators_loss(a, b)
    game.discriminators_loss(a, b)
    assert torch.equal(seen[-1], game.to_a(b))


def test_cyclegan_losses_teach_their_own_player():
    game, (a, b) = made(), batches()
    sum(game.generators_loss(a, b).values()).backward()
    weights = [p for p in game.generators.parameters() if p.ndim == 4]
    assert all(p.grad.abs().max() > 0 for p in weights)
    game.zero_grad()
    loss = game.discriminators_loss(a, b)
    assert loss.shape == ()
    loss.backward()
    assert all(p.grad is None for p in game.generators.parameters())
    weights = [p for p in game.discriminators.parameters() if p.ndim == 4]
    assert all(p.grad.abs().max() > 0 for p in weights)


def test_cyclegan_discriminators_without_fakes_say_what_is_missing():
    game, (a, b) = made(), batches()
    message = "discriminators_loss: expected a call of generators_loss before it"
    with pytest.raises(RuntimeError, match=message):
        game.discriminators_loss(a, b)
    game.generators_loss(a, b)
    game.discriminators_loss(a, b)
    with pytest.raises(RuntimeError, match=message):
        game.discriminators_loss(a, b)


@pytest.mark.parametrize("name", ["a", "b"])
def test_cyclegan_refuses_an_empty_domain(name):
    given = dict(zip("ab", batches(), strict=True)) | {name: torch.zeros(0, 3, 8, 8)}
    for loss in (made().generators_loss, made().discriminators_loss):
        with pytest.raises(ValueError, match=rf"^{name}: expected at least one image"):
            loss(**given)


def test_cyclegan_takes_a_single_image_of_each():
    game, (a, b) = made(), batches(1, 1)
    assert all(part.isfinite() for part in game.generators_loss(a, b).values())
    assert game.discriminators_loss(a, b).isfinite()


@pytest.mark.parametrize("kind", GENERATORS)
def test_cyclegan_learns_by_fit(kind):
    """Dark becomes light and light becomes dark, in a few steps."""
    game, items = made(kind), dark_and_light()
    phases = [phase._replace(schedule=linear_decay, betas=(0.5, 0.999)) for phase in PHASES]
    history = fit(game, items, phases, steps=60, batch_size=4, lr=0.003, seed=0)
    assert len(history.steps) == 60
    parts = {"generators", "discriminators"}
    parts |= {f"generators.{name}" for name in ("adversarial", "cycle", "identity")}
    assert set(history.parts) == parts
    cycle = history.parts["generators.cycle"]
    assert sum(cycle[-5:]) < 0.6 * sum(cycle[:5])
    assert [len(pool.images) for pool in game.pools.values()] == [50, 50]
    with torch.no_grad():
        a, b = items.a, items.b
        assert (game.to_b(a).mean() - b.mean()).abs() < (a.mean() - b.mean()).abs() / 2
        assert (game.to_a(b).mean() - a.mean()).abs() < (a.mean() - b.mean()).abs() / 2


def test_cyclegan_fit_with_the_same_seed_gives_the_same():
    states = []
    for _ in range(2):
        game = made(capacity=5)
        fit(game, dark_and_light(), PHASES, steps=4, batch_size=3, lr=0.001, seed=0)
        states.append(game.state_dict())
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_cyclegan_fit_takes_an_average_of_the_weights():
    game = made(capacity=5)
    fit(game, dark_and_light(), PHASES, steps=3, batch_size=3, lr=0.001, seed=0, ema=0.9)
    assert game.generators_loss(*batches())["cycle"].isfinite()


def through_torch(state):
    file = io.BytesIO()
    torch.save(state, file)
    return torch.load(io.BytesIO(file.getvalue()), weights_only=True)


@pytest.mark.parametrize("way", [through_torch, lambda state: load(save(state))])
def test_cyclegan_state_can_be_saved_and_loaded(way):
    game, (a, b) = made(capacity=2), batches()
    game.generators_loss(a, b)
    game.discriminators_loss(a, b)
    torch.manual_seed(5)
    other = CycleGAN(GENERATORS["resnet"], lambda: PatchGAN(3, 4, 1), capacity=2)
    assert not torch.equal(game.to_b(a), other.to_b(a))
    other.load_state_dict(way(game.state_dict()))
    assert torch.equal(game.to_b(a), other.to_b(a))
    losses = []
    for each in (game, other):  # goes on as if nothing had happened, pools and all
        torch.manual_seed(1)
        parts = each.generators_loss(a, b)
        losses.append(torch.stack([*parts.values(), each.discriminators_loss(a, b)]))
    assert torch.equal(*losses)


def test_cyclegan_can_be_copied_at_any_time():
    game, (a, b) = made(), batches()
    game.generators_loss(a, b)
    twin = copy.deepcopy(game)
    assert torch.equal(game.discriminators_loss(a, b), twin.discriminators_loss(a, b))


def test_cyclegan_learns_one_image_of_each_by_heart():
    game, (a, b) = made("unet", capacity=0), batches(1, 1)
    optimizer = torch.optim.Adam(game.generators.parameters(), 0.01)
    cycles = []
    for _ in range(100):
        optimizer.zero_grad()
        parts = game.generators_loss(a, b)
        sum(parts.values()).backward()
        optimizer.step()
        cycles.append(parts["cycle"].item())
    assert cycles[-1] < 0.4 * cycles[0]
