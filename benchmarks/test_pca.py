"""PCA against scikit-learn's."""

import pytest
import torch
from sklearn.decomposition import PCA

from cvgen_course.autoencoders import pca
from cvgen_course.seeding import generator

K = 32
SIZES = {"10,000 × 784": (10_000, 784), "300 × 784": (300, 784)}
# The default takes the eigenvectors of XᵀX where N is large, which halves the digits that are
# right, or an approximation by random projections.
SOLVERS = {"full": "scikit-learn", "auto": "scikit-learn, default"}


def data(N, D):
    """Draw rows with K directions that stand out, each by another variance."""
    rng = generator("benchmarks", "pca")
    scale = torch.cat([0.95 ** torch.arange(K), torch.full((D - K,), 0.05)])
    mix = torch.linalg.qr(torch.randn(D, D, generator=rng)).Q
    return torch.randn(N, D, generator=rng) * scale @ mix + 1


@pytest.mark.benchmark(group="Principal components: 32 of them")
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("what", SIZES)
def test_pca(side_by_side, what, solver):
    """The same mean, variances and components, up to their signs."""
    x = data(*SIZES[what])
    numbers = x.numpy()

    def ours():
        mean, _, variances = pca(x, K)
        return mean, variances

    def theirs():
        fitted = PCA(K, svd_solver=solver, random_state=0).fit(numbers)
        return torch.from_numpy(fitted.mean_), torch.from_numpy(fitted.explained_variance_)

    fitted = PCA(K, svd_solver=solver, random_state=0).fit(numbers)
    cosines = (pca(x, K).components * torch.from_numpy(fitted.components_)).sum(dim=1).abs()
    torch.testing.assert_close(cosines, torch.ones(K), rtol=0, atol=1e-4)
    side_by_side(what, ours, SOLVERS[solver], theirs)
