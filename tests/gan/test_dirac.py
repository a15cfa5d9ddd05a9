import math

import pytest
import torch

from cvgen_course.gan import dirac_gradients, dirac_path

SPACE = torch.arange(-3, 4, dtype=torch.float64) / 2
THETA, PSI = torch.meshgrid(SPACE, SPACE, indexing="ij")


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def test_dirac_gradients_equal_numbers_worked_out_by_hand():
    theta, psi = torch.tensor(2.0), torch.tensor(math.log(3.0) / 2)  # ψθ = log 3, D = 3/4
    to_theta, to_psi = dirac_gradients(theta, psi)
    assert to_theta.item() == pytest.approx(0.75 * math.log(3) / 2)
    assert to_psi.item() == pytest.approx(-2 * 0.75)


@pytest.mark.parametrize("r1", [0.0, 0.3])
def test_dirac_gradients_are_the_fields_of_the_formulas(r1):
    """Down for log (1 - D): ψ D for the generator, and -θ D - γ ψ for the discriminator."""
    field = dirac_gradients(THETA, PSI, r1)
    for theta, psi, to_theta, to_psi in zip(
        *(each.flatten().tolist() for each in (THETA, PSI, *field)), strict=True
    ):
        D = sigmoid(psi * theta)
        assert to_theta == pytest.approx(psi * D, abs=1e-12)
        assert to_psi == pytest.approx(-theta * D - r1 * psi, abs=1e-12)


def test_dirac_gradients_vanish_at_the_equilibrium_alone():
    field = torch.stack(dirac_gradients(THETA, PSI))
    strength = field.square().sum(dim=0)
    assert strength[3, 3] == 0
    assert strength.flatten()[torch.arange(49) != 24].gt(0).all()


def test_dirac_gradients_of_each_game_do_not_depend_on_the_others():
    together = torch.stack(dirac_gradients(THETA, PSI, 0.2))
    alone = torch.stack(dirac_gradients(THETA[2, 5], PSI[2, 5], 0.2))
    torch.testing.assert_close(together[:, 2, 5], alone)
    assert together.shape == (2, 7, 7)


def test_dirac_gradients_leave_their_arguments():
    theta, psi = torch.ones(2, requires_grad=True), torch.ones(2)
    to_theta, to_psi = dirac_gradients(theta, psi)
    assert theta.grad is None
    assert not psi.requires_grad
    assert not to_theta.requires_grad
    assert not to_psi.requires_grad


def test_dirac_path_of_two_steps_worked_out_by_hand():
    path = dirac_path(1.0, 0.0, lr=0.5, num_steps=2)
    second = -0.25 - 0.5 * sigmoid(-0.25)
    expected = [[1.0, 0.0], [1.0, -0.25], [1 - 0.125 * sigmoid(-0.25), second]]
    torch.testing.assert_close(path, torch.tensor(expected, dtype=torch.float64))
    path = dirac_path(1.0, 0.0, lr=0.5, num_steps=1, alternating=True)
    expected = [[1.0, 0.0], [1 - 0.125 * sigmoid(-0.25), -0.25]]  # it meets the new ψ
    torch.testing.assert_close(path, torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("alternating", [False, True])
def test_dirac_path_equals_a_loop(alternating):
    theta, psi, gamma, lr = 0.6, -0.4, 0.3, 0.2
    expected = [(theta, psi)]
    for _ in range(10):
        new_psi = psi - lr * (theta * sigmoid(psi * theta) + gamma * psi)
        met = new_psi if alternating else psi
        theta = theta + lr * met * sigmoid(met * theta)
        psi = new_psi
        expected.append((theta, psi))
    path = dirac_path(0.6, -0.4, lr, 10, alternating, gamma)
    torch.testing.assert_close(path, torch.tensor(expected, dtype=torch.float64))


def test_dirac_path_of_simultaneous_steps_leads_away_from_the_equilibrium():
    """The field is a rotation near 0: a step along the tangent leaves the circle outwards."""
    radii = dirac_path(0.5, 0.0, lr=0.2, num_steps=300).norm(dim=1)
    assert radii[-1] > 2 * radii[0]
    assert radii.diff().gt(0).all()


def test_dirac_path_with_r1_leads_to_the_equilibrium():
    for alternating in (False, True):
        path = dirac_path(0.5, 0.0, lr=0.2, num_steps=500, alternating=alternating, r1=0.5)
        assert path[-1].norm() < 1e-6


def test_dirac_path_of_alternating_steps_goes_round_without_end():
    radii = dirac_path(0.1, 0.0, lr=0.2, num_steps=500, alternating=True).norm(dim=1)
    assert radii[-100:].max() < 0.2
    assert radii[-100:].max() > 0.05


def test_dirac_path_turns_once_in_the_time_of_the_rotation():
    """Near 0, θ' = ψ / 2 and ψ' = -θ / 2: a turn takes 4π."""
    path = dirac_path(0.01, 0.0, lr=0.01, num_steps=round(4 * math.pi / 0.01))
    torch.testing.assert_close(path[-1], path[0], rtol=0, atol=0.03 * 0.01)
    assert path[len(path) // 2, 0] < 0
    assert path[len(path) // 4, 1] < 0


def test_dirac_path_without_steps_is_its_beginning():
    assert dirac_path(0.5, -1.0, 0.1, 0).tolist() == [[0.5, -1.0]]


def test_dirac_gradients_say_what_is_wrong():
    with pytest.raises(ValueError, match=r"psi: expected .* to go with theta .* got shape \(2,\)"):
        dirac_gradients(torch.zeros(3), torch.zeros(2))
    with pytest.raises(TypeError, match=r"theta: .*floating-point.* got torch.int64"):
        dirac_gradients(torch.zeros(3).long(), torch.zeros(3))
