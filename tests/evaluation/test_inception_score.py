import math

import pytest
import torch
from scipy import stats
from torch.distributions import Categorical
from torch.distributions import kl_divergence as torchs_kl_divergence
from torch_fidelity import metric_isc
from torchmetrics.image.inception import InceptionScore

from cvgen_course.evaluation import inception_score, kl_divergence


def random_logits(N=40, K=5, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return 2 * torch.randn(N, K, generator=rng, dtype=torch.float64)


def random_probs(N=40, K=5, seed=0):
    return random_logits(N, K, seed).softmax(dim=1)


def naive_score(probs):
    """Return the score, in plain numbers."""
    rows = probs.tolist()
    marginal = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    divergences = [
        sum(p * math.log(p / q) for p, q in zip(row, marginal, strict=True) if p > 0)
        for row in rows
    ]
    return math.exp(sum(divergences) / len(rows))


@pytest.mark.parametrize(
    ("p", "q", "nats"),
    [
        ([0.5, 0.5], [0.5, 0.5], 0),
        ([1, 0], [0.5, 0.5], math.log(2)),
        ([0.5, 0.5], [0.25, 0.75], math.log(2) / 2 + math.log(2 / 3) / 2),
        ([0.25, 0.75], [0.5, 0.5], math.log(1 / 2) / 4 + 3 * math.log(3 / 2) / 4),
        ([0, 1], [0, 1], 0),
        ([0, 1], [0.9, 0.1], math.log(10)),
        ([0.5, 0.5], [0, 1], math.inf),
    ],
)
def test_kl_divergence_worked_out_by_hand(p, q, nats):
    found = kl_divergence(*(torch.tensor(each, dtype=torch.float64) for each in (p, q)))
    assert found.shape == ()
    assert found.item() == pytest.approx(nats, abs=1e-12)


def test_kl_divergence_equals_torchs_and_scipys():
    p, q = random_probs(), random_probs(seed=1)
    found = kl_divergence(p, q)
    torch.testing.assert_close(found, torchs_kl_divergence(Categorical(p), Categorical(q)))
    expected = stats.entropy(p.numpy(), q.numpy(), axis=1)
    torch.testing.assert_close(found, torch.from_numpy(expected))


def test_kl_divergence_broadcasts_over_leading_dimensions():
    p, q = random_probs(6).view(2, 3, 5), random_probs(1, seed=1)[0]
    found = kl_divergence(p, q)
    assert found.shape == (2, 3)
    torch.testing.assert_close(found, kl_divergence(p, q.expand(2, 3, 5)))
    torch.testing.assert_close(found[1, 2], kl_divergence(p[1, 2], q))


def test_kl_divergence_is_zero_for_equal_distributions_and_above_it_for_others():
    p, q = random_probs(500), random_probs(500, seed=1)
    assert (kl_divergence(p, q) > 0).all()
    assert kl_divergence(p, p).abs().max() < 1e-12


def test_kl_divergence_has_the_right_gradient():
    p, q = random_probs(3).requires_grad_(), random_probs(3, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(kl_divergence, (p, q))


def test_kl_divergence_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"q: expected .*\(\.\.\., 5\).* got shape \(40, 4\)"):
        kl_divergence(random_probs(), random_probs(K=4))
    with pytest.raises(TypeError, match=r"p: expected a floating-point tensor .* got torch.int64"):
        kl_divergence(torch.tensor([1, 0]), torch.tensor([0.5, 0.5]))


@pytest.mark.parametrize("K", [1, 2, 3, 10, 1008])
@pytest.mark.parametrize("repeats", [1, 4])
def test_inception_score_of_sure_and_balanced_predictions_is_the_number_of_classes(K, repeats):
    assert inception_score(torch.eye(K).repeat(repeats, 1)).item() == pytest.approx(K, rel=1e-12)


def test_inception_score_of_equal_predictions_is_one():
    probs = random_probs(1)
    assert inception_score(probs).item() == pytest.approx(1, rel=1e-12)
    assert inception_score(probs.expand(30, 5)).item() == pytest.approx(1, rel=1e-12)


def test_inception_score_of_sure_predictions_is_the_perplexity_of_the_classes():
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 2, 2])  # shares 1/2, 1/4, 1/4: 1.5 bits
    probs = torch.nn.functional.one_hot(labels, 5).double()
    assert inception_score(probs).item() == pytest.approx(2**1.5)


def test_inception_score_is_exp_of_the_mean_and_not_the_mean_of_exp():
    probs = torch.tensor([[1.0, 0.0], [0.5, 0.5]])  # of all images, the classes have 3/4 and 1/4
    divergences = [math.log(4 / 3), math.log(2 / 3) / 2 + math.log(2) / 2]
    assert inception_score(probs).item() == pytest.approx(math.exp(sum(divergences) / 2))
    mean_of_exp = sum(map(math.exp, divergences)) / 2
    assert inception_score(probs).item() < mean_of_exp - 0.003


@pytest.mark.parametrize(("N", "K"), [(1, 3), (2, 2), (50, 10)])
def test_inception_score_equals_a_loop(N, K):
    probs = random_probs(N, K)
    assert inception_score(probs).item() == pytest.approx(naive_score(probs))


def test_inception_score_equals_those_of_torch_fidelity_and_torchmetrics():
    logits = random_logits()
    score = inception_score(logits.softmax(dim=1)).item()
    theirs = metric_isc.isc_features_to_metric(logits, splits=1)
    assert score == pytest.approx(theirs[metric_isc.KEY_METRIC_ISC_MEAN], rel=1e-4)
    with pytest.warns(UserWarning, match="will save all extracted features"):
        metric = InceptionScore(torch.nn.Flatten(), splits=1)
    metric.update(logits)
    with pytest.warns(UserWarning, match="degrees of freedom"):  # of a single split's deviation
        mean, _ = metric.compute()
    assert score == pytest.approx(mean.item(), rel=1e-4)


def test_inception_score_knows_neither_order_nor_copies_nor_names_of_classes():
    probs = random_probs()
    score = inception_score(probs)
    rng = torch.Generator().manual_seed(1)
    torch.testing.assert_close(inception_score(probs[torch.randperm(40, generator=rng)]), score)
    torch.testing.assert_close(inception_score(probs[:, torch.randperm(5, generator=rng)]), score)
    torch.testing.assert_close(inception_score(probs.repeat(3, 1)), score)


def test_inception_score_computes_in_float64():
    probs = random_probs().float()
    score = inception_score(probs)
    assert score.dtype == torch.float64
    assert score.item() == pytest.approx(naive_score(probs), rel=1e-12)


def test_inception_score_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"probs: expected rows that sum to 1; use logits.softmax"):
        inception_score(random_logits())
    with pytest.raises(ValueError, match="probs: expected one row or more, got none"):
        inception_score(torch.zeros(0, 5))
    with pytest.raises(ValueError, match=r"probs: expected .*\(N, K\), got shape \(5,\)"):
        inception_score(random_probs()[0])
    with pytest.raises(TypeError, match="probs: expected a floating-point tensor"):
        inception_score(torch.eye(3).long())
