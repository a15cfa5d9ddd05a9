"""Answers to `sample` as students give them, written from the lecture's text alone."""

import itertools

import torch
from torch.nn import functional as F


@torch.no_grad()
def three_loops(model, shape, rng=None):
    N, C, H, W = shape
    was_training = model.training
    model.eval()
    levels = torch.zeros(shape, dtype=torch.int64)
    for i in range(H):
        for j in range(W):
            for c in range(C):
                p = F.softmax(model(levels)[:, :, c, i, j], dim=1)
                levels[:, c, i, j] = torch.multinomial(p, 1, generator=rng).squeeze(1)
    model.train(was_training)
    return levels


def gumbel_noise(model, shape, rng=None):
    training = model.training
    model.eval()
    levels = torch.zeros(*shape, dtype=torch.long)
    try:
        with torch.no_grad():
            for i, j, c in itertools.product(*map(range, (*shape[2:], shape[1]))):
                logits = model(levels.clone())[:, :, c, i, j]
                u = torch.rand(logits.shape, generator=rng, dtype=logits.dtype)
                levels[:, c, i, j] = (logits - torch.log(-torch.log(u))).argmax(dim=1)
    finally:
        model.train(training)
    return levels


def inverse_of_the_distribution_function(model, shape, rng=None):
    N, C, H, W = shape
    x = torch.zeros(shape).long()
    mode = model.training
    model.train(False)
    with torch.no_grad():
        for place in range(C * H * W):
            pixel, c = divmod(place, C)
            i, j = divmod(pixel, W)
            probs = torch.softmax(model(x)[:, :, c, i, j].double(), dim=-1)
            u = torch.rand(N, 1, generator=rng, dtype=torch.float64)
            k = (u >= probs.cumsum(dim=1)).sum(dim=1)
            x[:, c, i, j] = k.clamp(max=probs.shape[1] - 1)
    model.train(mode)
    return x


def image_by_image_from_random_start(model, shape, rng=None):
    before = model.training
    model = model.eval()
    images = torch.randint(2, tuple(shape), generator=rng)
    with torch.no_grad():
        for n in range(shape[0]):
            for i in range(shape[2]):
                for j in range(shape[3]):
                    for c in range(shape[1]):
                        logits = model(images[n : n + 1])[0, :, c, i, j]
                        weights = (logits - logits.max()).exp()
                        images[n, c, i, j] = torch.multinomial(weights, 1, generator=rng).item()
    if before:
        model.train()
    return images


def flat_places(model, shape, rng=None):
    was, grad = model.training, torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    model.eval()
    N, C, H, W = shape
    drawn = torch.zeros(N, H, W, C, dtype=torch.int64)
    flat = drawn.view(N, -1)
    for d in range(flat.shape[1]):
        logits = model(drawn.permute(0, 3, 1, 2).contiguous())
        logits = logits.permute(0, 3, 4, 2, 1).flatten(1, 3)[:, d]  # (N, K)
        p = torch.exp(torch.log_softmax(logits, dim=1))
        flat[:, d] = p.multinomial(1, replacement=True, generator=rng)[:, 0]
    model.train(was)
    torch.set_grad_enabled(grad)
    return drawn.permute(0, 3, 1, 2).contiguous()


@torch.no_grad()
def likeliest(model, shape, rng=None):
    N, C, H, W = shape
    training = model.training
    model.eval()
    levels = torch.zeros(shape, dtype=torch.int64)
    for i in range(H):
        for j in range(W):
            for c in range(C):
                levels[:, c, i, j] = model(levels)[:, :, c, i, j].argmax(dim=1)
    model.train(training)
    return levels


@torch.no_grad()
def channels_at_once(model, shape, rng=None):
    N, C, H, W = shape
    training = model.training
    model.eval()
    levels = torch.zeros(shape, dtype=torch.int64)
    for i in range(H):
        for j in range(W):
            logits = model(levels)[..., i, j]  # (N, K, C)
            p = logits.softmax(dim=1).transpose(1, 2).flatten(0, 1)
            levels[:, :, i, j] = torch.multinomial(p, 1, generator=rng).view(N, C)
    model.train(training)
    return levels


@torch.no_grad()
def all_at_once(model, shape, rng=None):
    N, C, H, W = shape
    training = model.training
    model.eval()
    p = model(torch.zeros(shape, dtype=torch.int64)).softmax(dim=1)  # (N, K, C, H, W)
    p = p.permute(0, 2, 3, 4, 1).reshape(N * C * H * W, -1)
    model.train(training)
    return torch.multinomial(p, 1, generator=rng).view(shape)


@torch.no_grad()
def row_at_once(model, shape, rng=None):
    N, C, H, W = shape
    training = model.training
    model.eval()
    levels = torch.zeros(shape, dtype=torch.int64)
    for i in range(H):
        for c in range(C):
            p = model(levels)[:, :, c, i].softmax(dim=1)  # (N, K, W)
            p = p.transpose(1, 2).reshape(N * W, -1)
            levels[:, c, i] = torch.multinomial(p, 1, generator=rng).view(N, W)
    model.train(training)
    return levels


@torch.no_grad()
def no_eval(model, shape, rng=None):
    N, C, H, W = shape
    levels = torch.zeros(shape, dtype=torch.int64)
    for i in range(H):
        for j in range(W):
            for c in range(C):
                p = F.softmax(model(levels)[:, :, c, i, j], dim=1)
                levels[:, c, i, j] = torch.multinomial(p, 1, generator=rng).flatten()
    return levels


@torch.no_grad()
def stays_in_eval(model, shape, rng=None):
    N, C, H, W = shape
    model.eval()
    levels = torch.zeros(shape, dtype=torch.int64)
    for i in range(H):
        for j in range(W):
            for c in range(C):
                p = F.softmax(model(levels)[:, :, c, i, j], dim=1)
                levels[:, c, i, j] = torch.multinomial(p, 1, generator=rng).flatten()
    return levels


@torch.no_grad()
def always_back_to_training(model, shape, rng=None):
    N, C, H, W = shape
    model.eval()
    levels = torch.zeros(shape, dtype=torch.int64)
    for i in range(H):
        for j in range(W):
            for c in range(C):
                p = F.softmax(model(levels)[:, :, c, i, j], dim=1)
                levels[:, c, i, j] = torch.multinomial(p, 1, generator=rng).flatten()
    model.train()
    return levels


def with_gradients(model, shape, rng=None):
    N, C, H, W = shape
    training = model.training
    model.eval()
    levels = torch.zeros(shape, dtype=torch.int64)
    for i in range(H):
        for j in range(W):
            for c in range(C):
                p = torch.softmax(model(levels.clone())[:, :, c, i, j], dim=1)
                levels[:, c, i, j] = torch.multinomial(p, 1, generator=rng)[:, 0]
    model.train(training)
    return levels


@torch.no_grad()
def rng_not_used(model, shape, rng=None):
    N, C, H, W = shape
    training = model.training
    model.eval()
    levels = torch.zeros(shape, dtype=torch.int64)
    for i in range(H):
        for j in range(W):
            for c in range(C):
                logits = model(levels)[:, :, c, i, j]
                levels[:, c, i, j] = torch.distributions.Categorical(logits=logits).sample()
    model.train(training)
    return levels


@torch.no_grad()
def own_seed_without_rng(model, shape, rng=None):
    if rng is None:
        rng = torch.Generator().manual_seed(0)
    N, C, H, W = shape
    training = model.training
    model.eval()
    levels = torch.zeros(shape, dtype=torch.int64)
    for i in range(H):
        for j in range(W):
            for c in range(C):
                p = F.softmax(model(levels)[:, :, c, i, j], dim=1)
                levels[:, c, i, j] = torch.multinomial(p, 1, generator=rng).squeeze(1)
    model.train(training)
    return levels


@torch.no_grad()
def column_by_column(model, shape, rng=None):
    N, C, H, W = shape
    training = model.training
    model.eval()
    levels = torch.zeros(shape, dtype=torch.int64)
    for j in range(W):
        for i in range(H):
            for c in range(C):
                p = F.softmax(model(levels)[:, :, c, i, j], dim=1)
                levels[:, c, i, j] = torch.multinomial(p, 1, generator=rng).squeeze(1)
    model.train(training)
    return levels


@torch.no_grad()
def channel_after_channel(model, shape, rng=None):
    N, C, H, W = shape
    training = model.training
    model.eval()
    levels = torch.zeros(shape, dtype=torch.int64)
    for c in range(C):
        for i in range(H):
            for j in range(W):
                p = F.softmax(model(levels)[:, :, c, i, j], dim=1)
                levels[:, c, i, j] = torch.multinomial(p, 1, generator=rng).squeeze(1)
    model.train(training)
    return levels


@torch.no_grad()
def float_levels(model, shape, rng=None):
    N, C, H, W = shape
    training = model.training
    model.eval()
    levels = torch.zeros(shape)
    for i in range(H):
        for j in range(W):
            for c in range(C):
                p = F.softmax(model(levels.long())[:, :, c, i, j], dim=1)
                levels[:, c, i, j] = torch.multinomial(p, 1, generator=rng).squeeze(1).float()
    model.train(training)
    return levels


@torch.no_grad()
def one_draw_for_the_whole_batch(model, shape, rng=None):
    N, C, H, W = shape
    training = model.training
    model.eval()
    levels = torch.zeros(shape, dtype=torch.int64)
    for i in range(H):
        for j in range(W):
            for c in range(C):
                p = F.softmax(model(levels)[:, :, c, i, j], dim=1)
                u = torch.rand(1, generator=rng)
                levels[:, c, i, j] = (u > p.cumsum(dim=1)[:, :-1]).sum(dim=1)
    model.train(training)
    return levels


@torch.no_grad()
def softmax_over_the_batch(model, shape, rng=None):
    N, C, H, W = shape
    training = model.training
    model.eval()
    levels = torch.zeros(shape, dtype=torch.int64)
    for i in range(H):
        for j in range(W):
            for c in range(C):
                p = model(levels)[:, :, c, i, j].softmax(dim=0)
                levels[:, c, i, j] = torch.multinomial(p, 1, generator=rng).squeeze(1)
    model.train(training)
    return levels


@torch.no_grad()
def model_always_sees_zeros(model, shape, rng=None):
    N, C, H, W = shape
    training = model.training
    model.eval()
    empty = torch.zeros(shape, dtype=torch.int64)
    drawn = torch.zeros_like(empty)
    for i in range(H):
        for j in range(W):
            for c in range(C):
                p = F.softmax(model(empty)[:, :, c, i, j], dim=1)
                drawn[:, c, i, j] = torch.multinomial(p, 1, generator=rng).squeeze(1)
    model.train(training)
    return drawn


@torch.no_grad()
def first_pixel_left_out(model, shape, rng=None):
    N, C, H, W = shape
    training = model.training
    model.eval()
    levels = torch.zeros(shape, dtype=torch.int64)
    for t in range(1, H * W):
        i, j = t // W, t % W
        for c in range(C):
            p = F.softmax(model(levels)[:, :, c, i, j], dim=1)
            levels[:, c, i, j] = torch.multinomial(p, 1, generator=rng).squeeze(1)
    model.train(training)
    return levels


@torch.no_grad()
def coins_for_two_levels(model, shape, rng=None):
    N, C, H, W = shape
    training = model.training
    model.eval()
    levels = torch.zeros(shape, dtype=torch.int64)
    for i in range(H):
        for j in range(W):
            for c in range(C):
                p = torch.sigmoid(model(levels)[:, 1, c, i, j])
                levels[:, c, i, j] = torch.bernoulli(p, generator=rng).long()
    model.train(training)
    return levels


def likeliest_and_no_eval(model, shape, rng=None):
    N, C, H, W = shape
    levels = torch.zeros(shape, dtype=torch.int64)
    with torch.no_grad():
        for i in range(H):
            for j in range(W):
                for c in range(C):
                    p = model(levels).softmax(dim=1)
                    levels[:, c, i, j] = torch.argmax(p[:, :, c, i, j], dim=-1)
    return levels


def channels_at_once_and_stays_in_eval(model, shape, rng=None):
    N, C, H, W = shape
    model.eval()
    levels = torch.zeros(N, C, H, W, dtype=torch.long)
    with torch.no_grad():
        for i, j in itertools.product(range(H), range(W)):
            logits = model(levels)[:, :, :, i, j]
            for c in range(C):
                p = F.softmax(logits[:, :, c], dim=1)
                levels[:, c, i, j] = torch.multinomial(p, 1, generator=rng).squeeze(-1)
    return levels


RIGHT = [
    three_loops,
    gumbel_noise,
    inverse_of_the_distribution_function,
    image_by_image_from_random_start,
    flat_places,
]
WRONG = {
    likeliest: "likeliest",
    channels_at_once: "channels_at_once",
    all_at_once: "all_at_once",
    row_at_once: "row_at_once",
    no_eval: "in_training_mode",
    stays_in_eval: "mode_not_restored",
    always_back_to_training: "always_training_afterwards",
    with_gradients: "with_graph",
    rng_not_used: "rng_ignored",
    own_seed_without_rng: "",
    column_by_column: "column_by_column",
    channel_after_channel: "channel_by_channel",
    float_levels: "floats",
    one_draw_for_the_whole_batch: "one_draw_for_all",
    softmax_over_the_batch: "softmax_over_batch",
    model_always_sees_zeros: "all_at_once",
    first_pixel_left_out: "",
    coins_for_two_levels: "two_levels",
    likeliest_and_no_eval: "likeliest in_training_mode",
    channels_at_once_and_stays_in_eval: "channels_at_once mode_not_restored",
}
