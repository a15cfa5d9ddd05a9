import pytest
import torch

from cvgen_course.checks import WrongAnswer
from cvgen_course.gan.exercises.bent_critic import BentCritic, alphas, described, ramp

ELSEWHERE = "elsewhere, too, or the penalty is wrong in itself"


def make(num=6):
    tensors = ramp(torch.Generator().manual_seed(1), num, (2, 3, 3))
    critic = BentCritic(*(tensors[name] for name in ("weight", "direction", "bend")))
    return critic, tensors["real"], tensors["fake"]


def penalty(critic, images):
    images = images.requires_grad_()
    (slopes,) = torch.autograd.grad(critic(images).sum(), images, create_graph=True)
    return (slopes.flatten(1).norm(dim=1) - 1).square().mean()


def test_bent_critic_by_hand():
    weight, direction = torch.tensor([[[1.0, 2.0]]]), torch.tensor([[[0.0, 1.0]]])
    critic = BentCritic(weight, direction, torch.tensor([1.0, 10.0]))
    images = torch.tensor([[[[0.0, 3.0]]], [[[1.0, 3.0]]]])
    assert critic(images).tolist() == [0 + 6 + 4.5, 1 + 6 + 45]


def test_bent_critic_says_which_images_it_takes():
    critic, real, _ = make()
    with pytest.raises(WrongAnswer, match=r"\(1, 6, 2, 3, 3\), expected \(N, 2, 3, 3\)"):
        critic(real[None])


def test_alphas_are_those_of_the_points():
    critic, real, fake = make()
    alpha = torch.tensor([0.0, 0.1, 0.35, 0.5, 0.9, 1.0])
    points = fake + alpha.view(-1, 1, 1, 1) * (real - fake)
    assert torch.allclose(alphas(critic, penalty(critic, points)).float(), alpha, atol=1e-4)


def test_alphas_are_unlike_any_where_pixels_have_their_own():
    critic, real, fake = make()
    alpha = torch.rand(real.shape, generator=torch.Generator().manual_seed(2))
    found = alphas(critic, penalty(critic, fake + alpha * (real - fake)))
    assert ((found < 0) | (found > 1)).any()


@pytest.mark.parametrize(
    ("alpha", "facts"),
    [
        (torch.tensor([0.1, 0.9]), ("between fake and real", "differs from image to image")),
        (torch.tensor([0.5, 0.5]), ("between fake and real", "is the same for all images")),
        (torch.tensor([1.0, 1.0]), ("at real images", "is the same for all images")),
        (torch.tensor([0.0, 0.0]), ("at fake images", "is the same for all images")),
        (torch.tensor([0.5, 1.2]), (ELSEWHERE, "differs from image to image")),
        (torch.tensor([1.1, 1.9]), (ELSEWHERE, "differs from image to image")),
        (torch.tensor([-0.2, 0.5]), (ELSEWHERE, "differs from image to image")),
    ],
)
def test_described_says_where_slopes_are_taken(alpha, facts):
    assert described(alpha) == {"slopes are taken": [facts[0]], "alpha": [facts[1]]}


def test_described_says_of_many_whether_they_are_spread_evenly():
    uniform = torch.rand(2000, generator=torch.Generator().manual_seed(3))
    for alpha, spread in ((uniform, "evenly"), (uniform.square(), "unevenly")):
        assert described(alpha)["alphas are spread"] == [spread]
