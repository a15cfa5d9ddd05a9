"""Answers to `truncated_normal` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
from scipy import stats


def draw_again(shape, threshold, rng=None):
    if threshold <= 0:
        raise ValueError(f"threshold must be positive, got {threshold}")
    z = torch.randn(*shape, generator=rng)
    mask = torch.abs(z) > threshold
    while mask.sum() > 0:
        z[mask] = torch.randn(mask.sum().item(), generator=rng)
        mask = torch.abs(z) > threshold
    return z


def whole_tensor_and_where(shape, threshold, rng=None):
    if not threshold > 0:
        raise ValueError("threshold")
    z = torch.full(shape, torch.inf)
    while torch.any((z > threshold) | (z < -threshold)):
        z = torch.where(z.abs() <= threshold, z, torch.randn(shape, generator=rng))
    return z


def python_loop(shape, threshold, rng=None):
    if threshold <= 0:
        raise ValueError("threshold must be > 0")
    z = torch.randn(shape, generator=rng).flatten()
    for i in range(len(z)):
        while abs(z[i].item()) > threshold:
            z[i] = torch.randn(1, generator=rng).item()
    return z.reshape(shape)


def inverse_cdf(shape, threshold, rng=None):
    if threshold <= 0:
        raise ValueError("threshold must be > 0")
    Phi = lambda x: 0.5 * (1 + math.erf(x / 2**0.5))
    u = torch.empty(shape).uniform_(Phi(-threshold), Phi(threshold), generator=rng)
    return torch.erfinv(2 * u - 1) * 2**0.5


def scaled(shape, threshold, rng=None):
    if threshold <= 0:
        raise ValueError
    return torch.randn(shape, generator=rng) * threshold


def as_in_the_biggan_demo(shape, threshold, rng=None):
    if threshold <= 0:
        raise ValueError
    seed = None if rng is None else torch.randint(2**31, (1,), generator=rng).item()
    values = stats.truncnorm.rvs(-2, 2, size=shape, random_state=np.random.RandomState(seed))
    return torch.tensor(threshold * values, dtype=torch.float32)


def beyond_two(shape, threshold, rng=None):
    if threshold <= 0:
        raise ValueError
    z = torch.randn(shape, generator=rng)
    while (z.abs() > 2).any():
        bad = z.abs() > 2
        z[bad] = torch.randn(int(bad.sum()), generator=rng)
    return z


def narrow_normal(shape, threshold, rng=None):
    if threshold <= 0:
        raise ValueError
    z = torch.empty(shape).normal_(0, threshold, generator=rng)
    while (bad := z.abs() > threshold).any():
        z[bad] = torch.empty(int(bad.sum())).normal_(0, threshold, generator=rng)
    return z


def library(shape, threshold, rng=None):
    if threshold <= 0:
        raise ValueError
    z = torch.empty(shape)
    return torch.nn.init.trunc_normal_(z, a=-threshold, b=threshold, generator=rng)


def squashed(shape, threshold, rng=None):
    if threshold <= 0:
        raise ValueError
    return torch.tanh(torch.randn(shape, generator=rng)) * threshold


def the_rest_uniform(shape, threshold, rng=None):
    if threshold <= 0:
        raise ValueError
    z = torch.randn(shape, generator=rng)
    bad = z.abs() > threshold
    z[bad] = (2 * torch.rand(int(bad.sum()), generator=rng) - 1) * threshold
    return z


def clamp(shape, threshold, rng=None):
    if threshold <= 0:
        raise ValueError
    return torch.randn(shape, generator=rng).clamp(-threshold, threshold)


def clipped_by_numpy(shape, threshold, rng=None):
    if threshold <= 0:
        raise ValueError
    z = torch.randn(shape, generator=rng).numpy()
    return torch.from_numpy(np.clip(z, -threshold, threshold))


def if_in_place_of_while(shape, threshold, rng=None):
    if threshold <= 0:
        raise ValueError
    z = torch.randn(shape, generator=rng)
    beyond = z.abs() > threshold
    if beyond.any():
        z[beyond] = torch.randn(int(beyond.sum()), generator=rng)
    return z


def one_side(shape, threshold, rng=None):
    if threshold <= 0:
        raise ValueError
    z = torch.randn(shape, generator=rng)
    while (z > threshold).any():
        z = torch.where(z > threshold, torch.randn(shape, generator=rng), z)
    return z


def squares(shape, threshold, rng=None):
    if threshold <= 0:
        raise ValueError
    z = torch.randn(shape, generator=rng)
    while (z**2 > threshold).any():
        beyond = z**2 > threshold
        z[beyond] = torch.randn(int(beyond.sum()), generator=rng)
    return z


def uniform(shape, threshold, rng=None):
    if threshold <= 0:
        raise ValueError
    return torch.empty(shape).uniform_(-threshold, threshold, generator=rng)


def half_normal(shape, threshold, rng=None):
    if threshold <= 0:
        raise ValueError
    z = torch.randn(shape, generator=rng).abs()
    while (z > threshold).any():
        z = torch.where(z > threshold, torch.randn(shape, generator=rng).abs(), z)
    return z


def renormalised(shape, threshold, rng=None):
    if threshold <= 0:
        raise ValueError
    z = torch.randn(shape, generator=rng)
    while (beyond := z.abs() > threshold).any():
        z[beyond] = torch.randn(int(beyond.sum()), generator=rng)
    return z / z.std() if z.numel() > 1 else z


def rng_forgotten(shape, threshold, rng=None):
    if threshold <= 0:
        raise ValueError
    z = torch.randn(shape)
    while (beyond := z.abs() > threshold).any():
        z[beyond] = torch.randn(int(beyond.sum()))
    return z


def rng_forgotten_in_the_loop(shape, threshold, rng=None):
    if threshold <= 0:
        raise ValueError
    z = torch.randn(shape, generator=rng)
    while (beyond := z.abs() > threshold).any():
        z[beyond] = torch.randn_like(z[beyond])
    return z


def own_seed(shape, threshold, rng=None):
    if threshold <= 0:
        raise ValueError
    rng = torch.Generator().manual_seed(42)
    z = torch.randn(shape, generator=rng)
    while (beyond := z.abs() > threshold).any():
        z[beyond] = torch.randn(int(beyond.sum()), generator=rng)
    return z


def no_error(shape, threshold, rng=None):
    z = torch.randn(shape, generator=rng)
    while (beyond := z.abs() > threshold).any():
        z[beyond] = torch.randn(int(beyond.sum()), generator=rng)
    return z


def asserts(shape, threshold, rng=None):
    assert threshold > 0, "threshold must be positive"
    z = torch.randn(shape, generator=rng)
    while (beyond := z.abs() > threshold).any():
        z[beyond] = torch.randn(int(beyond.sum()), generator=rng)
    return z


def only_negative(shape, threshold, rng=None):
    if threshold < 0:
        raise ValueError("threshold is negative")
    z = torch.randn(shape, generator=rng)
    while (beyond := z.abs() > threshold).any():
        z[beyond] = torch.randn(int(beyond.sum()), generator=rng)
    return z


def all_again_until_none_is_beyond(shape, threshold, rng=None):
    if threshold <= 0:
        raise ValueError
    z = torch.randn(shape, generator=rng)
    while (z.abs() > threshold).any():
        z = torch.randn(shape, generator=rng)
    return z


def scaled_and_no_error(shape, threshold, rng=None):
    return threshold * torch.randn(shape, generator=rng)


def clamp_and_rng_forgotten(shape, threshold, rng=None):
    if threshold <= 0:
        raise ValueError
    return torch.clamp(torch.randn(shape), min=-threshold, max=threshold)


def collected(shape, threshold, rng=None):
    if threshold <= 0:
        raise ValueError("threshold should be > 0")
    need = math.prod(shape)
    got = torch.empty(0)
    while len(got) < need:
        new = torch.empty(2 * need + 10).normal_(generator=rng)
        got = torch.cat([got, new[new.abs() <= threshold]])
    return got[:need].reshape(shape)


RIGHT = [draw_again, whole_tensor_and_where, python_loop, inverse_cdf, collected]
WRONG = {
    scaled: "multiplied",
    as_in_the_biggan_demo: "cut_at_two_and_multiplied",
    beyond_two: "cut_at_two",
    narrow_normal: "deviation_of_psi",
    library: "",
    squashed: "squeezed",
    the_rest_uniform: "",
    clamp: "clamped",
    clipped_by_numpy: "clamped",
    if_in_place_of_while: "once_again",
    one_side: "upper_tail_only",
    squares: "square_compared",
    uniform: "uniform",
    half_normal: "absolute",
    renormalised: "divided_by_deviation",
    rng_forgotten: "rng_ignored",
    rng_forgotten_in_the_loop: "rng_ignored",
    own_seed: "seed_of_its_own",
    no_error: "no_error",
    asserts: "asserted",
    only_negative: "zero_let_through",
    all_again_until_none_is_beyond: "",
    scaled_and_no_error: "multiplied no_error",
    clamp_and_rng_forgotten: "clamped rng_ignored",
}
