"""Answers to `kernel_distance` as students give them, written from the lecture's text."""

import torch


def as_in_the_lecture(real, fake):
    def kernel(first, second):
        return (first @ second.T / first.shape[1] + 1) ** 3

    def within(features):
        pairs = kernel(features, features)
        return (pairs.sum() - pairs.trace()) / (len(pairs) * (len(pairs) - 1))

    return within(real) + within(fake) - 2 * kernel(real, fake).mean()


def with_masks(real, fake):
    d = real.size(1)
    k_rr = (real @ real.t() / d + 1).pow(3)
    k_ff = (fake @ fake.t() / d + 1).pow(3)
    k_rf = (real @ fake.t() / d + 1).pow(3)
    off_r = ~torch.eye(len(real), dtype=torch.bool)
    off_f = ~torch.eye(len(fake), dtype=torch.bool)
    return k_rr[off_r].mean() + k_ff[off_f].mean() - 2 * k_rf.mean()


def loops(real, fake):
    D = real.shape[1]

    def k(x, y):
        return ((x * y).sum() / D + 1) ** 3

    rr = ff = rf = 0
    N, M = len(real), len(fake)
    for i in range(N):
        for j in range(N):
            if i != j:
                rr += k(real[i], real[j]) / (N * (N - 1))
    for i in range(M):
        for j in range(i + 1, M):
            ff += 2 * k(fake[i], fake[j]) / (M * (M - 1))
    for x in real:
        for y in fake:
            rf += k(x, y) / (N * M)
    return rr + ff - 2 * rf


def in_double(real, fake):
    X, Y = real.double(), fake.double()
    n, m = len(X), len(Y)
    k = lambda a, b: (1 + a.matmul(b.transpose(0, 1)) / a.shape[-1]) ** 3
    xx, yy, xy = k(X, X), k(Y, Y), k(X, Y)
    result = (xx.sum() - torch.diag(xx).sum()) / n / (n - 1)
    result += (yy.sum() - torch.diag(yy).sum()) / m / (m - 1)
    return result - 2 * xy.sum() / n / m


def all_means(real, fake):
    def kernel(a, b):
        return (a @ b.T / a.shape[1] + 1) ** 3

    return kernel(real, real).mean() + kernel(fake, fake).mean() - 2 * kernel(real, fake).mean()


def diagonal_zero_then_mean(real, fake):
    d = real.shape[1]
    k_rr = (real @ real.T / d + 1) ** 3
    k_ff = (fake @ fake.T / d + 1) ** 3
    k_rr.fill_diagonal_(0)
    k_ff.fill_diagonal_(0)
    return k_rr.mean() + k_ff.mean() - 2 * ((real @ fake.T / d + 1) ** 3).mean()


def diagonal_forgotten(real, fake):
    def k(a, b):
        return (a @ b.T / a.shape[1] + 1) ** 3

    N, M = len(real), len(fake)
    rr = k(real, real).sum() / (N * (N - 1))
    ff = k(fake, fake).sum() / (M * (M - 1))
    return rr + ff - 2 * k(real, fake).sum() / (N * M)


def minus_the_number(real, fake):
    def k(a, b):
        return (a @ b.T / a.shape[1] + 1) ** 3

    N, M = len(real), len(fake)
    rr = (k(real, real).sum() - N) / (N * (N - 1))
    ff = (k(fake, fake).sum() - M) / (M * (M - 1))
    return rr + ff - 2 * k(real, fake).mean()


def triu_as_it_comes(real, fake):
    def k(a, b):
        return (a @ b.T / a.shape[1] + 1) ** 3

    def within(x):
        return torch.triu(k(x, x)).sum() / (len(x) * (len(x) - 1) / 2)

    return within(real) + within(fake) - 2 * k(real, fake).mean()


def upper_triangle(real, fake):
    def k(a, b):
        return (a @ b.T / a.shape[1] + 1) ** 3

    N, M = len(real), len(fake)
    rr = torch.triu(k(real, real), diagonal=1).sum() / (N * (N - 1))
    ff = torch.triu(k(fake, fake), diagonal=1).sum() / (M * (M - 1))
    return rr + ff - 2 * k(real, fake).mean()


def _with(kernel):
    def answer(real, fake):
        def within(x):
            pairs = kernel(x, x)
            return (pairs.sum() - pairs.trace()) / (len(pairs) * (len(pairs) - 1))

        return within(real) + within(fake) - 2 * kernel(real, fake).mean()

    return answer


def squared(real, fake):
    return _with(lambda x, y: (x @ y.T / x.shape[1] + 1) ** 2)(real, fake)


def no_power(real, fake):
    return _with(lambda x, y: x @ y.T / x.shape[1] + 1)(real, fake)


def no_one(real, fake):
    return _with(lambda x, y: (x @ y.T / x.shape[1]) ** 3)(real, fake)


def one_after_the_power(real, fake):
    return _with(lambda x, y: (x @ y.T / x.shape[1]) ** 3 + 1)(real, fake)


def not_by_dimension(real, fake):
    return _with(lambda x, y: (x @ y.T + 1) ** 3)(real, fake)


def by_len(real, fake):
    return _with(lambda x, y: (x @ y.T / len(x) + 1) ** 3)(real, fake)


def brackets(real, fake):
    return _with(lambda x, y: ((x @ y.T + 1) / x.shape[1]) ** 3)(real, fake)


def rbf(real, fake):
    return _with(lambda x, y: torch.exp(-0.5 * torch.cdist(x, y) ** 2))(real, fake)


def factor_forgotten(real, fake):
    k = ((real @ fake.T) / real.shape[1] + 1) ** 3
    return as_in_the_lecture(real, fake) + k.mean()


def plus(real, fake):
    k = ((real @ fake.T) / real.shape[1] + 1) ** 3
    return as_in_the_lecture(real, fake) + 4 * k.mean()


def clamped(real, fake):
    return torch.clamp(as_in_the_lecture(real, fake), min=0)


def max_with_zero(real, fake):
    return max(as_in_the_lecture(real, fake), 0)


def absolute(real, fake):
    return as_in_the_lecture(real, fake).abs()


def sqrt(real, fake):
    return torch.sqrt(as_in_the_lecture(real, fake))


def sqrt_of_clamped(real, fake):
    return torch.sqrt(torch.relu(as_in_the_lecture(real, fake)))


def as_many_fakes(real, fake):
    d, m = real.shape[1], real.shape[0]
    k_xx = (real @ real.T / d + 1) ** 3
    k_yy = (fake @ fake.T / d + 1) ** 3
    k_xy = (real @ fake.T / d + 1) ** 3
    value = (k_xx.sum() - k_xx.trace() + k_yy.sum() - k_yy.trace()) / (m * (m - 1))
    return value - 2 * k_xy.sum() / m**2


def cross_by_n_squared(real, fake):
    k = (real @ fake.T / real.shape[1] + 1) ** 3
    return as_in_the_lecture(real, fake) + 2 * k.mean() - 2 * k.sum() / len(real) ** 2


def cross_without_diagonal(real, fake):
    k = (real @ fake.T / real.shape[1] + 1) ** 3
    off = ~torch.eye(len(real), len(fake), dtype=torch.bool)
    return as_in_the_lecture(real, fake) + 2 * k.mean() - 2 * k[off].mean()


def normalized(real, fake):
    real = torch.nn.functional.normalize(real, dim=1)
    fake = torch.nn.functional.normalize(fake, dim=1)
    return as_in_the_lecture(real, fake)


def all_means_and_degree_two(real, fake):
    k = lambda x, y: (x @ y.T / x.shape[1] + 1) ** 2
    return k(real, real).mean() + k(fake, fake).mean() - 2 * k(real, fake).mean()


RIGHT = [as_in_the_lecture, with_masks, loops, in_double]
WRONG = {
    all_means: "diagonal_included",
    diagonal_zero_then_mean: "divided_by_all",
    diagonal_forgotten: "trace_included",
    minus_the_number: "number_subtracted",
    triu_as_it_comes: "triangle_with_diagonal",
    upper_triangle: "half_of_the_pairs",
    squared: "degree_two",
    no_power: "degree_one",
    no_one: "one_missing",
    one_after_the_power: "one_missing",
    not_by_dimension: "not_divided",
    by_len: "divided_by_number",
    brackets: "one_divided",
    rbf: "gaussian",
    factor_forgotten: "factor_missing",
    plus: "added",
    clamped: "clamped",
    max_with_zero: "clamped",
    absolute: "absolute",
    sqrt: "root",
    sqrt_of_clamped: "root_of_clamped",
    as_many_fakes: "equally_many",
    cross_by_n_squared: "across_by_square",
    cross_without_diagonal: "across_without_diagonal",
    normalized: "normalised",
    all_means_and_degree_two: "",
}
