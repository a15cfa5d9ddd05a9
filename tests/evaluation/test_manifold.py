import numpy as np
import pytest
import torch
from prdc import compute_prdc
from sklearn.neighbors import NearestNeighbors
from torch_fidelity import metric_prc

from cvgen_course.evaluation import (
    Manifold,
    manifold,
    manifold_per_item,
    nearest_radii,
    pairs,
    precision_recall,
)


def random_features(N, D=4, seed=0, scale=1.0, shift=0.0):
    rng = torch.Generator().manual_seed(seed)
    return scale * torch.randn(N, D, generator=rng) + shift


def numbers(*values):
    return torch.tensor(values, dtype=torch.float32)[:, None]


def ring(N, modes, seed=0):
    """Return points close to the first few of eight places on a circle."""
    rng = torch.Generator().manual_seed(seed)
    angle = torch.randint(modes, (N,), generator=rng) * torch.pi / 4
    centres = torch.stack([angle.cos(), angle.sin()], dim=1)
    return centres + 0.02 * torch.randn(N, 2, generator=rng)


def naive_manifold(real, fake, k):
    """Return precision, recall, density and coverage with the balls one by one."""
    real, fake = real.double(), fake.double()

    def balls(features):
        for i, x in enumerate(features):
            distances = sorted((x - y).norm().item() for j, y in enumerate(features) if j != i)
            yield x, distances[k - 1]

    in_real = [[(y - x).norm().item() <= r for y in fake] for x, r in balls(real)]
    in_fake = [[(x - y).norm().item() <= r for x in real] for y, r in balls(fake)]
    return (
        np.mean([any(column) for column in zip(*in_real, strict=True)]),
        np.mean([any(column) for column in zip(*in_fake, strict=True)]),
        np.mean([sum(column) / k for column in zip(*in_real, strict=True)]),
        np.mean([any(row) for row in in_real]),
    )


def test_nearest_radii_worked_out_by_hand():
    features = numbers(0, 1, 3, 7)
    assert nearest_radii(features, 1).tolist() == [1, 1, 2, 4]
    assert nearest_radii(features, 2).tolist() == [3, 2, 3, 6]
    assert nearest_radii(features, 3).tolist() == [7, 6, 4, 7]


def test_nearest_radii_count_copies_as_neighbours():
    assert nearest_radii(numbers(5, 5, 5, 6), 1).tolist() == [0, 0, 0, 1]
    assert nearest_radii(numbers(5, 5, 5, 6), 2).tolist() == [0, 0, 0, 1]
    assert nearest_radii(numbers(5, 5, 5, 6), 3).tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("k", [1, 3, 49])
def test_nearest_radii_equal_scikit_learns(k):
    features = random_features(50)
    tree = NearestNeighbors(n_neighbors=k).fit(features.double().numpy())
    radii = nearest_radii(features, k)
    assert radii.dtype == torch.float64
    torch.testing.assert_close(radii, torch.from_numpy(tree.kneighbors()[0][:, -1]))


def test_nearest_radii_follow_the_order_and_the_scale_of_the_items():
    features = random_features(30)
    radii = nearest_radii(features, 2)
    assert torch.equal(nearest_radii(features.flip(0), 2), radii.flip(0))
    torch.testing.assert_close(nearest_radii(8 * features + 100, 2), 8 * radii, rtol=1e-4, atol=0)


def test_manifold_of_numbers_worked_out_by_hand():
    real, fake = numbers(0, 1, 3, 7), numbers(2, 2.5, 20)
    # k = 1: balls around the real are [-1, 1], [0, 2], [1, 5], [3, 11];
    # those around the fakes are [1.5, 2.5], [2, 3], [2.5, 37.5]
    found = manifold(real, fake, k=1)
    expected = Manifold(*(torch.tensor(x, dtype=torch.float64) for x in (2 / 3, 2 / 4, 1, 2 / 4)))
    torch.testing.assert_close(found, expected)
    per_item = manifold_per_item(real, fake, k=1)
    assert [each.tolist() for each in per_item] == [
        [1, 1, 0],
        [0, 0, 1, 1],
        [2, 1, 0],
        [0, 1, 1, 0],
    ]


@pytest.mark.parametrize(("N", "M", "k"), [(6, 6, 1), (20, 15, 3), (12, 30, 5), (6, 6, 5)])
def test_manifold_equals_a_loop(N, M, k):
    real, fake = random_features(N), random_features(M, seed=1, scale=0.7, shift=0.4)
    assert [x.item() for x in manifold(real, fake, k)] == pytest.approx(
        naive_manifold(real, fake, k)
    )


@pytest.mark.parametrize(("N", "M"), [(200, 200), (150, 400)])
@pytest.mark.parametrize("k", [1, 5])
def test_manifold_equals_that_of_prdc(N, M, k):
    real, fake = random_features(N, 8), random_features(M, 8, seed=1, scale=0.8, shift=0.2)
    theirs = compute_prdc(real.numpy(), fake.numpy(), nearest_k=k)
    ours = {name: x.item() for name, x in manifold(real, fake, k)._asdict().items()}
    assert ours == pytest.approx(theirs, rel=1e-4)


@pytest.mark.parametrize("k", [1, 3])
def test_precision_recall_equals_that_of_torch_fidelity(k):
    real, fake = random_features(150, 8), random_features(120, 8, seed=1, scale=0.7)
    theirs = metric_prc.prc_features_to_metric(fake, real, prc_neighborhood=k, verbose=False)
    precision, recall = precision_recall(real, fake, k)
    assert precision.item() == pytest.approx(theirs["precision"], rel=1e-4)
    assert recall.item() == pytest.approx(theirs["recall"], rel=1e-4)
    assert precision > recall + 0.1  # so that they can't be swapped


def test_precision_recall_is_the_manifolds_with_three_neighbours():
    real, fake = random_features(40), random_features(30, seed=1, scale=0.7)
    assert precision_recall(real, fake) == manifold(real, fake, k=3)[:2]


def test_manifold_of_a_set_without_a_mode_keeps_precision_and_loses_recall_and_coverage():
    real = ring(400, 8)
    whole, half = (manifold(real, ring(400, modes, seed=1)) for modes in (8, 4))
    assert min(whole.precision, whole.recall, whole.coverage) > 0.85
    assert half.precision > 0.85
    assert half.density > 0.85
    assert half.recall == pytest.approx(0.5, abs=0.1)
    assert half.coverage == pytest.approx(0.5, abs=0.1)


def test_manifold_of_a_set_with_a_mode_too_many_loses_precision_and_keeps_recall():
    found = manifold(ring(400, 4), ring(400, 8, seed=1))
    assert found.precision == pytest.approx(0.5, abs=0.1)
    assert found.recall > 0.85
    assert found.coverage > 0.85


def test_manifold_of_sets_far_apart_is_zero():
    found = manifold(random_features(30), random_features(30, seed=1, shift=100))
    assert found == Manifold(0, 0, 0, 0)


def test_manifold_of_a_set_and_itself_is_one():
    features = random_features(30)
    found = manifold(features, features, k=4)
    assert [found.precision, found.recall, found.coverage] == [1, 1, 1]
    assert found.density.item() == pytest.approx(5 / 4)  # the k neighbours', and its own


def test_manifold_counts_what_lies_on_an_edge():
    real = numbers(0, 2, 10, 12)
    assert manifold(real, numbers(4, 8, 14), k=1).precision == 1
    assert manifold(real, numbers(4.001, 7.999, 14.001), k=1).precision == 0


def test_manifold_counts_copies_though_their_balls_are_points():
    """With `<` in place of `≤`, all of it would be zero."""
    real = random_features(3).repeat(5, 1)
    found = manifold(real, real[:9], k=2)
    assert [found.precision, found.recall, found.coverage] == [1, 1, 1]
    assert found.density.item() == pytest.approx(5 / 2)


def test_manifold_of_memorised_images_is_perfect_and_that_of_few_of_them_is_not_covered():
    real = random_features(100)
    memorised, few = manifold(real, real.clone()), manifold(real, real[:5].repeat(20, 1))
    assert [memorised.precision, memorised.recall, memorised.coverage] == [1, 1, 1]
    assert few.precision == 1
    assert few.recall == pytest.approx(0.05)
    assert few.coverage < 0.5


def test_manifold_knows_neither_order_nor_place_nor_direction():
    real, fake = random_features(60).double(), random_features(50, seed=1, scale=0.7).double()
    found = manifold(real, fake)
    assert found == manifold(real.flip(0), fake.roll(7, 0))
    turn = torch.linalg.qr(random_features(4).double()).Q
    assert found == manifold(3 * real @ turn + 50, 3 * fake @ turn + 50)


@pytest.mark.parametrize("at_once", [1, 100, 1000])
def test_manifold_does_not_depend_on_how_many_pairs_are_held_at_once(at_once, monkeypatch):
    real, fake = random_features(60), random_features(50, seed=1, scale=0.7)
    expected = manifold_per_item(real, fake)
    monkeypatch.setattr(pairs, "AT_ONCE", at_once)
    assert all(map(torch.equal, manifold_per_item(real, fake), expected))


def test_manifold_is_the_mean_of_each_item():
    real, fake = random_features(60), random_features(50, seed=1, scale=0.7)
    per_item = manifold_per_item(real, fake)
    assert [len(each) for each in per_item] == [50, 60, 50, 60]
    assert {each.dtype for each in per_item} == {torch.float64}
    assert manifold(real, fake) == Manifold(*(each.mean() for each in per_item))


def test_manifold_leaves_its_arguments_as_they_are():
    sets = random_features(20), random_features(20, seed=1)
    before = [each.clone() for each in sets]
    manifold(*sets)
    assert all(map(torch.equal, sets, before))


def test_manifold_says_what_is_wrong():
    real, fake = random_features(10), random_features(8)
    with pytest.raises(ValueError, match="k: expected 1 to 7 for N features, got 8"):
        manifold(real, fake, k=8)
    with pytest.raises(ValueError, match="k: expected 1 to 9 for N features, got 0"):
        precision_recall(real, fake, k=0)
    with pytest.raises(ValueError, match=r"fake: expected .*\(M, 4\).* got shape \(8, 3\)"):
        manifold(real, random_features(8, 3))
    with pytest.raises(TypeError, match="features: expected a floating-point tensor"):
        nearest_radii(real.long(), 1)
    fake[3, 2] = torch.nan
    with pytest.raises(ValueError, match="features: expected finite numbers, got NaN or infinite"):
        manifold(real, fake)
