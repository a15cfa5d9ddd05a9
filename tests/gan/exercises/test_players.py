import torch

from cvgen_course.gan.exercises.players import IMAGE, NOISE, drawn, ready


def make(name, **options):
    rng = torch.Generator().manual_seed(1)
    options = {"batch_norm": False, "leftovers": False, **options}
    return ready(drawn(rng, name, optimizer={"name": "SGD", "lr": 0.5}, **options))


def test_players_play():
    generator, discriminator = make("generator"), make("discriminator")
    images = generator.network(torch.randn(4, NOISE))
    assert images.shape == (4, *IMAGE)
    assert discriminator.network(images).shape == (4,)


def test_ready_makes_the_same_player_again():
    data = drawn(torch.Generator().manual_seed(1), "generator", True, False, {"name": "Adam"})
    first = ready(data)
    first.network[0].weight.data.zero_()
    assert torch.equal(ready(data).parameters, make("generator", batch_norm=True).parameters)


def test_ready_leaves_gradients_where_they_are_asked_for():
    for leftovers in (True, False):
        player = make("discriminator", leftovers=leftovers)
        assert [p.grad is not None for p in player.network.parameters()] == [leftovers] * 4


def test_player_has_the_parameters_after_a_step():
    player = make("discriminator", leftovers=True)
    gradients = torch.cat([p.grad.flatten() for p in player.network.parameters()])
    before = player.parameters
    player.optimizer.step()
    assert torch.allclose(player.parameters, before - 0.5 * gradients)


def test_player_knows_the_modes_of_its_parts():
    player = make("discriminator", batch_norm=True)
    assert player.modes == ["training"]
    player.network[2].eval()
    assert player.modes == ["evaluation", "training"]
