import pytest
import torch

from cvgen_course.autoencoders import vq_losses


def random_arguments(dtype=torch.float64, images=(2, 3, 4, 5), codes=(7, 3)):
    rng = torch.Generator().manual_seed(0)
    shapes = {"x": images, "x_hat": images, "z_e": codes, "z_q": codes}
    return {
        name: torch.randn(shape, generator=rng, dtype=torch.float64).to(dtype).requires_grad_()
        for name, shape in shapes.items()
    }


def naive_mean_of_squares(a, b):
    pairs = zip(a.flatten().tolist(), b.flatten().tolist(), strict=True)
    return sum((one - other) ** 2 for one, other in pairs) / a.numel()


def test_vq_losses_equal_numbers_worked_out_by_hand():
    x, x_hat = torch.zeros(2, 1, 1, 2), torch.tensor([1.0, -2.0, 3.0, 0.0]).view(2, 1, 1, 2)
    z_e = torch.tensor([[1.0, 2.0], [3.0, 4.0], [0.0, 0.0]])
    z_q = torch.tensor([[1.0, 0.0], [4.0, 4.0], [1.0, -6.0]])
    # (1 + 4 + 9 + 0) / 4; (0 + 4 + 1 + 0 + 1 + 36) / 6
    terms = vq_losses(x, x_hat, z_e, z_q)
    assert [term.item() for term in terms] == [3.5, 7.0, 1.75]
    terms = vq_losses(x, x_hat, z_e, z_q, beta=3.0)
    assert [term.item() for term in terms] == [3.5, 7.0, 21.0]


@pytest.mark.parametrize("beta", [0.0, 0.25, 1.0, 2.5])
@pytest.mark.parametrize(
    ("images", "codes"), [((2, 3, 4, 5), (7, 3)), ((1, 1, 1, 1), (1, 1)), ((3, 1, 2, 7), (1, 9))]
)
def test_vq_losses_equal_a_loop(beta, images, codes):
    given = random_arguments(images=images, codes=codes)
    reconstruction, codebook, commitment = vq_losses(**given, beta=beta)
    between_codes = naive_mean_of_squares(given["z_e"], given["z_q"])
    expected = naive_mean_of_squares(given["x"], given["x_hat"])
    assert reconstruction.item() == pytest.approx(expected)
    assert codebook.item() == pytest.approx(between_codes)
    assert commitment.item() == pytest.approx(beta * between_codes)
    assert reconstruction.shape == codebook.shape == commitment.shape == ()


@pytest.mark.parametrize("beta", [0.25, 0.5, 2.0])
def test_vq_losses_each_term_teaches_its_own_listener(beta):
    """The gradients of means of squares: twice the difference, divided by how many there are."""
    given = random_arguments()
    terms = dict(zip(("recon", "code", "commit"), vq_losses(**given, beta=beta), strict=True))
    leaves = (given["x_hat"], given["z_e"], given["z_q"])
    pixels, codes = (given["x_hat"] - given["x"]).detach(), (given["z_e"] - given["z_q"]).detach()
    expected = {
        "recon": (2 * pixels / pixels.numel(), None, None),
        "code": (None, None, -2 * codes / codes.numel()),
        "commit": (None, beta * 2 * codes / codes.numel(), None),
    }
    for name, term in terms.items():
        found = torch.autograd.grad(term, leaves, allow_unused=True, retain_graph=True)
        for got, wanted in zip(found, expected[name], strict=True):
            assert (got is None) == (wanted is None), name
            if wanted is not None:
                torch.testing.assert_close(got, wanted)


def test_vq_losses_pass_gradcheck_with_respect_to_their_listeners():
    given = random_arguments(images=(1, 2, 2, 3), codes=(3, 2))
    _, x_hat, z_e, z_q = given.values()

    def at(index, name):
        def term(value):
            return vq_losses(**{**given, name: value}, beta=0.7)[index]

        return term

    assert torch.autograd.gradcheck(at(0, "x_hat"), x_hat)
    assert torch.autograd.gradcheck(at(1, "z_q"), z_q)
    assert torch.autograd.gradcheck(at(2, "z_e"), z_e)


def test_vq_losses_one_step_of_gradient_moves_a_code_to_the_mean_of_its_rows():
    """The codebook term alone is least squares: its minimum is the mean, as in k-means."""
    rows = random_arguments()["z_e"].detach()
    code = torch.zeros(1, 3, dtype=torch.float64, requires_grad=True)
    images = torch.zeros(1, 1, 1, 1)
    _, codebook, _ = vq_losses(images, images, rows, code.expand(7, 3))
    (gradient,) = torch.autograd.grad(codebook, code)
    # of mean over M · D of (z - e)², the gradient is 2 (e - mean z) / D
    torch.testing.assert_close(code - 3 / 2 * gradient, rows.mean(dim=0, keepdim=True))


def test_vq_losses_do_not_depend_on_how_often_a_batch_is_repeated():
    given = random_arguments()
    twice = {name: torch.cat([value, value]) for name, value in given.items()}
    torch.testing.assert_close(vq_losses(**twice), vq_losses(**given))


def test_vq_losses_of_what_is_equal_are_zero():
    given = random_arguments()
    terms = vq_losses(given["x"], given["x"], given["z_e"], given["z_e"])
    assert [term.item() for term in terms] == [0.0, 0.0, 0.0]


def test_vq_losses_compute_half_precision_in_float32():
    images, rows = torch.zeros(1, 1, 2, 2).half(), torch.zeros(3, 2).half()
    terms = vq_losses(images, images + 300, rows, rows - 400)  # whose squares overflow in float16
    assert [term.dtype for term in terms] == 3 * [torch.float32]
    assert [term.item() for term in terms] == [90_000.0, 160_000.0, 40_000.0]
    assert {term.dtype for term in vq_losses(**random_arguments())} == {torch.float64}


def test_vq_losses_refuse_shapes_that_differ():
    x, x_hat, z_e, z_q = random_arguments().values()
    with pytest.raises(ValueError, match=r"x_hat: expected .*\(2, 3, 4, 5\).* got shape \(2, 1, 4"):
        vq_losses(x, x_hat[:, :1], z_e, z_q)
    with pytest.raises(ValueError, match=r"z_q: expected .*\(7, 3\).* got shape \(1, 3\)"):
        vq_losses(x, x_hat, z_e, z_q[:1])
    with pytest.raises(ValueError, match=r"z_e: expected .*\(M, D\), got shape \(7, 3, 1\)"):
        vq_losses(x, x_hat, z_e[..., None], z_q)
    with pytest.raises(TypeError, match=r"x: expected a floating-point tensor .* got torch.uint8"):
        vq_losses(x.byte(), x_hat, z_e, z_q)
