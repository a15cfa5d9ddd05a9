import pytest
import torch
from sklearn.cluster import KMeans

from cvgen_course.autoencoders import EMACodebook, ema_update, nearest_codes, restart_dead_codes


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def start(K=6, D=3, dtype=torch.float64, seed=0):
    """Return running means, and the codes that follow from them without smoothing."""
    size = 0.5 + 3 * torch.rand(K, generator=rng(seed), dtype=dtype)
    codes = torch.randn(K, D, generator=rng(seed + 1), dtype=dtype)
    return EMACodebook(size, size[:, None] * codes, codes)


def naive(cluster_size, code_sum, rows, indices, decay, eps):
    sizes, sums = [], []
    for k in range(len(cluster_size)):
        mine = [row for row, i in zip(rows, indices, strict=True) if i == k]
        sizes.append(decay * cluster_size[k] + (1 - decay) * len(mine))
        sums.append(decay * code_sum[k] + (1 - decay) * sum(mine, torch.zeros_like(code_sum[k])))
    N, K = sum(sizes), len(sizes)
    codes = [m * (N + K * eps) / ((n + eps) * N) for n, m in zip(sizes, sums, strict=True)]
    return torch.stack(sizes), torch.stack(sums), torch.stack(codes)


def test_ema_update_two_steps_by_hand_with_an_empty_cluster():
    size = torch.tensor([2.0, 4, 0])
    total = torch.tensor([[2.0, 0], [4, 8], [0, 0]])
    rows, indices = torch.tensor([[4.0, 2], [8, 8], [6, 0]]), torch.tensor([0, 1, 0])
    one = ema_update(size, total, rows, indices, decay=0.5, eps=1.0)
    # N = 4.5, so the sizes + 1 are multiplied by 4.5 / 7.5
    assert one.cluster_size.tolist() == [2, 2.5, 0]
    assert one.code_sum.tolist() == [[6, 1], [6, 8], [0, 0]]
    expected = torch.tensor([[6 / 1.8, 1 / 1.8], [6 / 2.1, 8 / 2.1], [0, 0]])
    torch.testing.assert_close(one.codebook, expected)
    # the empty cluster gets its first row: N = 2.75, a factor of 2.75 / 5.75 = 11 / 23
    two = ema_update(*one[:2], torch.tensor([[3.0, -3]]), torch.tensor([2]), decay=0.5, eps=1.0)
    assert two.cluster_size.tolist() == [1, 1.25, 0.5]
    assert two.code_sum.tolist() == [[3, 0.5], [3, 4], [1.5, -1.5]]
    expected = torch.tensor([[69 / 22, 23 / 44], [92 / 33, 368 / 99], [23 / 11, -23 / 11]])
    torch.testing.assert_close(two.codebook, expected)


@pytest.mark.parametrize(("K", "M"), [(6, 40), (6, 1), (50, 7), (1, 5)])
@pytest.mark.parametrize("decay", [0.0, 0.3, 0.99, 1.0])
def test_ema_update_equals_a_loop(K, M, decay):
    size, total, _ = start(K)
    rows = torch.randn(M, 3, generator=rng(2), dtype=torch.float64)
    indices = torch.randint(K, (M,), generator=rng(3))
    got = ema_update(size, total, rows, indices, decay, eps=0.01)
    for mine, expected in zip(got, naive(size, total, rows, indices, decay, 0.01), strict=True):
        torch.testing.assert_close(mine, expected)


def test_ema_update_without_past_is_a_step_of_k_means():
    centres = 10 * torch.randn(5, 4, generator=rng(4), dtype=torch.float64)
    whose = torch.arange(200) % 5
    points = centres[whose] + torch.randn(200, 4, generator=rng(5), dtype=torch.float64)
    codes = points[:5].clone()  # one of each cluster, so that none is empty
    indices = nearest_codes(points, codes)
    got = ema_update(torch.ones(5).double(), codes, points, indices, decay=0.0, eps=1e-12)
    lloyd = KMeans(5, init=codes.numpy(), n_init=1, max_iter=1).fit(points.numpy())
    torch.testing.assert_close(got.codebook, torch.from_numpy(lloyd.cluster_centers_))
    assert torch.equal(got.cluster_size, torch.bincount(indices).double())


def test_ema_update_repeated_finds_the_clusters():
    centres = torch.tensor([[-5.0, 0], [5, 0], [0, 5]])
    state = EMACodebook(torch.ones(3), 0.1 * centres, 0.1 * centres)
    chance = rng()
    for _ in range(300):
        whose = torch.randint(3, (64,), generator=chance)
        rows = centres[whose] + 0.1 * torch.randn(64, 2, generator=chance)
        state = ema_update(*state[:2], rows, nearest_codes(rows, state.codebook), decay=0.95)
    torch.testing.assert_close(state.codebook, centres, rtol=0, atol=0.05)
    assert state.cluster_size.sum().item() == pytest.approx(64, rel=1e-3)


@pytest.mark.parametrize("eps", [1e-5, 1e-12])
def test_ema_update_keeps_an_empty_cluster_finite(eps):
    state = EMACodebook(*(each.float() for each in start(4)))
    rows = torch.randn(8, 3, generator=rng(6))
    indices = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])  # never 3
    largest = state.codebook[3].abs().max()
    for _ in range(500):
        state = ema_update(*state[:2], rows, indices, decay=0.8, eps=eps)
        assert all(each.isfinite().all() for each in state)
        assert state.codebook[3].abs().max() <= 1.01 * largest
    assert state.cluster_size[3] < 1e-30


def test_ema_update_depends_on_no_order_of_rows_and_follows_a_renaming_of_codes():
    size, total, _ = start()
    rows = torch.randn(30, 3, generator=rng(7), dtype=torch.float64)
    indices = torch.randint(6, (30,), generator=rng(8))
    expected = ema_update(size, total, rows, indices)
    order = torch.randperm(30, generator=rng(9))
    torch.testing.assert_close(ema_update(size, total, rows[order], indices[order]), expected)
    names = torch.randperm(6, generator=rng(10))  # code names[k] is called k now
    renamed = ema_update(size[names], total[names], rows, names.argsort()[indices])
    torch.testing.assert_close(renamed, EMACodebook(*(each[names] for each in expected)))


def test_ema_update_returns_new_tensors_without_gradient():
    size, total, _ = start(dtype=torch.float32)
    rows = torch.randn(5, 3, requires_grad=True)
    total.requires_grad_()
    before = size.clone(), total.clone(), rows.clone()
    for decay in (0.0, 0.5, 1.0):
        state = ema_update(size, total, rows, torch.arange(5), decay)
        assert not any(each.requires_grad for each in state)
        for each in state:
            each.zero_()
    for mine, copy in zip((size, total, rows), before, strict=True):
        assert torch.equal(mine, copy)


def test_ema_update_counts_in_float32_at_least():
    size, total, _ = start(dtype=torch.float16)
    rows = torch.randn(5, 3, dtype=torch.bfloat16)
    state = ema_update(size, total, rows, torch.arange(5))
    assert {each.dtype for each in state} == {torch.float32}
    whole = ema_update(size.float(), total.float(), rows.float(), torch.arange(5))
    torch.testing.assert_close(state, whole)
    many = ema_update(
        torch.zeros(2),
        torch.zeros(2, 1),
        torch.ones(70_001, 1),
        torch.zeros(70_001, dtype=torch.int64),
        decay=0.0,
    )
    assert many.cluster_size.tolist() == [70_001, 0]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"cluster_size": [1.0]}, TypeError, r"cluster_size: expected .* got list"),
        ({"code_sum": torch.ones(5, 3)}, ValueError, r"code_sum: expected .*\(6, D\).*\(5, 3\)"),
        ({"rows": torch.ones(4, 2)}, ValueError, r"rows: expected .*\(M, 3\).* got .*\(4, 2\)"),
        ({"rows": torch.ones(4, 3).long()}, TypeError, r"rows: expected a floating-point"),
        ({"indices": torch.zeros(4)}, TypeError, r"indices: expected an int64 .*long\(\)"),
        ({"indices": torch.zeros(5).long()}, ValueError, r"indices: expected .*\(4,\)"),
        ({"indices": torch.tensor([0, 1, 2, 6])}, ValueError, r"indices: .*\[0, 6\).*codebook"),
        ({"indices": torch.tensor([0, 1, 2, -1])}, ValueError, r"indices: .* from -1 to 2"),
        ({"decay": 1.01}, ValueError, r"decay: expected a number in \[0, 1\], got 1.01"),
        ({"decay": -0.1}, ValueError, "decay: expected a number"),
        ({"decay": float("nan")}, ValueError, "decay: expected a number"),
        (
            {"rows": torch.ones(0, 3), "indices": torch.zeros(0).long()},
            *(ValueError, "rows: expected at least one row, got none"),
        ),
    ],
)
def test_ema_update_says_what_is_wrong(change, error, message):
    right = {
        "cluster_size": torch.ones(6),
        "code_sum": torch.ones(6, 3),
        "rows": torch.ones(4, 3),
        "indices": torch.arange(4),
    }
    ema_update(**right)
    with pytest.raises(error, match=message):
        ema_update(**right | change)


def dying(dead, K=6, D=3):
    """Return a state in which the given codes are dead below 1."""
    state = start(K, D, torch.float32)
    state.cluster_size.clamp_(min=1.0)
    state.cluster_size[dead] = 0.25
    return state


def is_among(codes, rows):
    return (codes[:, None] == rows).all(dim=2).any(dim=1)


def test_restart_dead_codes_moves_only_dead_ones_onto_rows():
    state, rows = dying([1, 4]), torch.randn(20, 3, generator=rng(11))
    before = EMACodebook(*(each.clone() for each in state))
    new = restart_dead_codes(state, rows, threshold=1.0, rng=rng())
    alive = torch.tensor([0, 2, 3, 5])
    for mine, old, kept in zip(new, before, state, strict=True):
        assert torch.equal(mine[alive], old[alive])
        assert torch.equal(kept, old)  # the argument stays as it is
    assert is_among(new.codebook[[1, 4]], rows).all()
    assert not torch.equal(new.codebook[1], new.codebook[4])
    assert new.cluster_size[[1, 4]].tolist() == [1.0, 1.0]
    assert torch.equal(new.code_sum[[1, 4]], new.codebook[[1, 4]])


def test_restart_dead_codes_counts_as_many_rows_as_the_threshold():
    new = restart_dead_codes(dying([2]), torch.randn(9, 3), threshold=0.5)
    assert new.cluster_size[2] == 0.5
    torch.testing.assert_close(new.code_sum[2], 0.5 * new.codebook[2])


def test_restart_dead_codes_spares_codes_at_the_threshold():
    state = dying([0])
    new = restart_dead_codes(state, torch.randn(9, 3), threshold=0.25)
    assert all(torch.equal(mine, old) for mine, old in zip(new, state, strict=True))


def test_restart_dead_codes_follows_from_the_generator():
    state, rows = dying([0, 2, 3]), torch.randn(50, 3, generator=rng(12))
    one, again, other = (
        restart_dead_codes(state, rows, 1.0, rng(seed)).codebook for seed in (1, 1, 2)
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    torch.manual_seed(3)
    one = restart_dead_codes(state, rows, 1.0).codebook
    torch.manual_seed(3)
    assert torch.equal(restart_dead_codes(state, rows, 1.0).codebook, one)


@pytest.mark.parametrize("num_rows", [1, 2, 5])
def test_restart_dead_codes_takes_rows_twice_where_there_are_too_few(num_rows):
    rows = torch.randn(num_rows, 3, generator=rng(13))
    new = restart_dead_codes(dying(list(range(6))), rows, threshold=1.0)
    assert is_among(new.codebook, rows).all()


def test_restart_dead_codes_draws_every_row():
    state, rows = dying([5]), torch.randn(8, 3, generator=rng(14))
    chance = rng()
    drawn = [restart_dead_codes(state, rows, 1.0, chance).codebook[5] for _ in range(200)]
    assert is_among(rows, torch.stack(drawn)).all()


@pytest.mark.parametrize(("dead", "num_rows"), [([], 5), ([1], 0)])
def test_restart_dead_codes_does_nothing_without_dead_codes_or_rows(dead, num_rows):
    state = dying(dead)
    new = restart_dead_codes(state, torch.randn(num_rows, 3), threshold=1.0)
    assert all(torch.equal(mine, old) for mine, old in zip(new, state, strict=True))


def test_restart_dead_codes_cuts_rows_off_their_graph_and_keeps_the_type():
    state = dying([0, 1])
    for rows in (torch.randn(9, 3, requires_grad=True), torch.randn(9, 3).double()):
        new = restart_dead_codes(state, rows, 1.0)
        assert not any(each.requires_grad for each in new)
        assert {each.dtype for each in new} == {torch.float32}


def test_restart_dead_codes_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"rows: expected .*\(M, 3\).* got shape \(5, 4\)"):
        restart_dead_codes(dying([0]), torch.ones(5, 4), 1.0)
    with pytest.raises(TypeError, match="rows: expected a floating-point tensor"):
        restart_dead_codes(dying([0]), torch.ones(5, 3).long(), 1.0)
