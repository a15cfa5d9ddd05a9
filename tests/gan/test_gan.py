from functools import partial

import pytest
import torch
from torch import nn

from cvgen_course.gan import (
    GAN,
    HINGE,
    LEAST_SQUARES,
    NON_SATURATING,
    SATURATING,
    WASSERSTEIN,
    BigGANDiscriminator,
    BigGANGenerator,
    DCGANDiscriminator,
    DCGANGenerator,
    gradient_penalty,
    r1_penalty,
)

torch.set_num_threads(1)
OBJECTIVES = (SATURATING, NON_SATURATING, LEAST_SQUARES, HINGE, WASSERSTEIN)
SMALL = {"size": 8, "width": 4}


def dcgan(objective=NON_SATURATING, penalty=None):
    torch.manual_seed(0)
    networks = DCGANGenerator(z_size=5, **SMALL), DCGANDiscriminator(**SMALL)
    return GAN(*networks, objective, penalty)


def biggan(**options):
    torch.manual_seed(0)
    sizes = {"num_classes": 3, "size": 8, "width": 8}
    generator = BigGANGenerator(chunk_size=4, embed_size=4, **sizes)
    return GAN(generator, BigGANDiscriminator(**sizes), **options)


def images(N=6, seed=1):
    return torch.rand(N, 1, 8, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def gradients(module):
    return [parameter.grad for parameter in module.parameters()]


def seeded(function, *arguments):
    torch.manual_seed(3)
    return function(*arguments)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_gan_losses_are_those_of_its_objective(objective):
    gan, real = dcgan(objective).eval(), images()
    fake = gan.generator(seeded(torch.randn, 6, 5))
    expected = objective.discriminator(gan.discriminator(real), gan.discriminator(fake))
    torch.testing.assert_close(seeded(gan.discriminator_loss, real), expected)
    expected = objective.generator(gan.discriminator(fake))
    torch.testing.assert_close(seeded(gan.generator_loss, real), expected)


def test_gan_tells_both_players_the_classes():
    gan, real = biggan(objective=HINGE).eval(), images()
    labels, z = torch.tensor([0, 1, 2, 2, 1, 0]), seeded(torch.randn, 6, gan.generator.z_size)
    fake = gan.generator(z, labels)
    expected = HINGE.discriminator(gan.discriminator(real, labels), gan.discriminator(fake, labels))
    torch.testing.assert_close(seeded(gan.discriminator_loss, real, labels), expected)
    expected = HINGE.generator(gan.discriminator(fake, labels))
    torch.testing.assert_close(seeded(gan.generator_loss, real, labels), expected)


def test_gan_discriminator_loss_teaches_the_discriminator_alone():
    gan = dcgan()
    loss = gan.discriminator_loss(images())
    assert loss.shape == ()
    loss.backward()
    assert all(gradient is None for gradient in gradients(gan.generator))
    assert all(gradient.abs().max() > 0 for gradient in gradients(gan.discriminator))


def test_gan_generator_loss_teaches_the_generator():
    gan = dcgan()
    loss = gan.generator_loss(images())
    assert loss.shape == ()
    loss.backward()
    assert all(gradient.abs().max() > 0 for gradient in gradients(gan.generator))


def test_gan_shows_real_and_generated_images_in_batches_of_their_own():
    seen = []
    gan = dcgan()
    gan.discriminator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    real = images()
    gan.discriminator_loss(real)
    assert seen[0] is real
    assert [len(batch) for batch in seen] == [6, 6]
    assert not seen[1].requires_grad


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_gan_a_step_of_one_player_lowers_its_own_loss_and_moves_nobody_else(network):
    gan, real = dcgan(), images()
    player = getattr(gan, network)
    other = gan.discriminator if network == "generator" else gan.generator
    before = [parameter.detach().clone() for parameter in other.parameters()]
    loss = gan.generator_loss if network == "generator" else gan.discriminator_loss
    optimizer = torch.optim.Adam(player.parameters(), 0.02)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        value = seeded(loss, real)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    assert losses[-1] < losses[0] - 0.005
    for was, now in zip(before, other.parameters(), strict=True):
        assert torch.equal(was, now)


def test_gan_adds_its_penalty_to_the_discriminators_loss_alone():
    asked = []

    def penalty(discriminator, real, fake):
        asked.append((discriminator(real), real, fake))
        return torch.tensor(7.0)

    gan, plain, real = dcgan(penalty=penalty).eval(), dcgan().eval(), images()
    loss = seeded(gan.discriminator_loss, real)
    torch.testing.assert_close(loss, 7 + seeded(plain.discriminator_loss, real))
    torch.testing.assert_close(seeded(gan.generator_loss, real), seeded(plain.generator_loss, real))
    ((logits, its_real, its_fake),) = asked
    torch.testing.assert_close(logits, gan.discriminator(real))
    assert its_real is real
    torch.testing.assert_close(its_fake, gan.generator(seeded(torch.randn, 6, 5)))


@pytest.mark.parametrize("labels", [None, torch.tensor([0, 1, 2, 2, 1, 0])])
def test_gan_penalties_of_the_library_reach_the_discriminators_parameters(labels):
    make = dcgan if labels is None else biggan
    for penalty in (
        gradient_penalty,
        lambda discriminator, real, _: r1_penalty(discriminator, real),
    ):
        gan = make(penalty=penalty)
        plain = make()
        with_penalty = seeded(gan.discriminator_loss, images(), labels)
        without = seeded(plain.discriminator_loss, images(), labels)
        assert with_penalty > without
        with_penalty.backward()
        without.backward()
        weights = [dict(each.discriminator.named_parameters()) for each in (gan, plain)]
        assert any(
            not torch.equal(one.grad, weights[1][name].grad) for name, one in weights[0].items()
        )
        assert all(gradient is None for gradient in gradients(gan.generator))


def test_gan_noise_is_standard_normal_of_as_many_images():
    gan = dcgan()
    z = seeded(gan.noise, images(3))
    assert torch.equal(z, seeded(torch.randn, 3, 5))
    gan.generator.z_size = 4000
    z = gan.noise(images(2))
    assert z.mean().abs() < 0.06
    assert z.std().item() == pytest.approx(1, abs=0.06)


def test_gan_state_can_be_saved_and_loaded():
    gan, other = dcgan(), dcgan()
    gan.generator_loss(images())
    nn.init.normal_(gan.generator.layers[1].weight)
    other.load_state_dict(gan.state_dict())
    losses = [seeded(partial(each.eval().generator_loss, images())) for each in (gan, other)]
    assert torch.equal(*losses)


def test_gan_without_labels_says_that_they_are_missing():
    with pytest.raises(TypeError, match="labels"):
        biggan().generator_loss(images())
    with pytest.raises(TypeError, match="argument"):
        dcgan().generator_loss(images(), torch.zeros(6, dtype=torch.int64))
