"""Answers to `complete` as students give them, written from the lecture's text alone."""

import itertools

import torch
from torch.nn import functional as F


@torch.no_grad()
def skips_known_pixels(model, levels, known, rng=None):
    N, C, H, W = levels.shape
    was_training = model.training
    model.eval()
    x = levels.clone()
    for i in range(H):
        for j in range(W):
            if known[i, j]:
                continue
            for c in range(C):
                p = F.softmax(model(x)[:, :, c, i, j], dim=1)
                x[:, c, i, j] = torch.multinomial(p, 1, generator=rng).squeeze(1)
    model.train(was_training)
    return x


def listed_places(model, levels, known, rng=None):
    training = model.training
    model.train(False)
    result = torch.where(known, levels, torch.zeros_like(levels))
    try:
        with torch.no_grad():
            for i, j in (~known).nonzero().tolist():
                for c in range(levels.shape[1]):
                    logits = model(result.clone())[:, :, c, i, j].double()
                    u = torch.rand(len(levels), 1, generator=rng).double()
                    cdf = logits.softmax(dim=1).cumsum(dim=1)
                    result[:, c, i, j] = (u > cdf[:, :-1]).sum(dim=1)
    finally:
        model.train(training)
    return result


def draws_all_and_keeps_some(model, levels, known, rng=None):
    mode = model.training
    model.eval()
    N, C, H, W = levels.shape
    out = torch.zeros_like(levels)
    with torch.no_grad():
        for t in range(H * W):
            i, j = t // W, t % W
            for c in range(C):
                p = torch.softmax(model(out)[:, :, c, i, j], 1)
                drawn = torch.multinomial(p, 1, generator=rng)[:, 0]
                out[:, c, i, j] = torch.where(known[i, j], levels[:, c, i, j], drawn)
    if mode:
        model.train()
    return out


class Certain(torch.nn.Module):
    def __init__(self, model, levels, known):
        super().__init__()
        self.model, self.levels, self.known = model, levels, known

    def forward(self, x):
        logits = self.model(x)
        own = F.one_hot(self.levels, logits.shape[1]).movedim(-1, 1).bool()
        sure = torch.where(own, 0.0, -torch.inf).to(logits.dtype)
        return torch.where(self.known, sure, logits)


def my_sample(model, shape, rng=None):
    N, C, H, W = shape
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    x = torch.zeros(shape, dtype=torch.int64)
    with torch.no_grad():
        for i, j, c in itertools.product(range(H), range(W), range(C)):
            p = model(x)[:, :, c, i, j].softmax(dim=1)
            x[:, c, i, j] = torch.multinomial(p, 1, generator=rng).squeeze(1)
    for module, training in modes:
        module.training = training
    return x


def own_sample_of_a_model_that_knows(model, levels, known, rng=None):
    return my_sample(Certain(model, levels, known), levels.shape, rng)


def gumbel_image_by_image(model, levels, known, rng=None):
    training = model.training
    model.eval()
    done = []
    with torch.no_grad():
        for image in levels:
            x = image.clone()[None]
            for i, j in itertools.product(range(x.shape[2]), range(x.shape[3])):
                if not known[i, j].item():
                    for c in range(x.shape[1]):
                        logits = model(x)[0, :, c, i, j]
                        noise = -torch.empty_like(logits).exponential_(generator=rng).log()
                        x[0, c, i, j] = (logits + noise).argmax()
            done.append(x[0])
    model.train(training)
    return torch.stack(done)


@torch.no_grad()
def levels_overwritten(model, levels, known, rng=None):
    N, C, H, W = levels.shape
    training = model.training
    model.eval()
    for i in range(H):
        for j in range(W):
            if not known[i, j]:
                for c in range(C):
                    p = F.softmax(model(levels)[:, :, c, i, j], dim=1)
                    levels[:, c, i, j] = torch.multinomial(p, 1, generator=rng).squeeze(1)
    model.train(training)
    return levels


@torch.no_grad()
def known_is_drawn(model, levels, known, rng=None):
    N, C, H, W = levels.shape
    training = model.training
    model.eval()
    x = levels.clone()
    for i in range(H):
        for j in range(W):
            if known[i, j]:
                for c in range(C):
                    p = F.softmax(model(x)[:, :, c, i, j], dim=1)
                    x[:, c, i, j] = torch.multinomial(p, 1, generator=rng).squeeze(1)
    model.train(training)
    return x


def pasted_at_the_end(model, levels, known, rng=None):
    drawn = my_sample(model, levels.shape, rng)
    return torch.where(known, levels, drawn)


@torch.no_grad()
def likeliest(model, levels, known, rng=None):
    N, C, H, W = levels.shape
    training = model.training
    model.eval()
    x = levels.clone()
    for i in range(H):
        for j in range(W):
            if not known[i, j]:
                for c in range(C):
                    x[:, c, i, j] = model(x)[:, :, c, i, j].argmax(dim=1)
    model.train(training)
    return x


@torch.no_grad()
def channels_at_once(model, levels, known, rng=None):
    N, C, H, W = levels.shape
    training = model.training
    model.eval()
    x = levels.clone()
    for i in range(H):
        for j in range(W):
            if not known[i, j]:
                p = model(x)[..., i, j].softmax(dim=1)  # (N, K, C)
                for c in range(C):
                    x[:, c, i, j] = torch.multinomial(p[:, :, c], 1, generator=rng)[:, 0]
    model.train(training)
    return x


@torch.no_grad()
def no_eval(model, levels, known, rng=None):
    N, C, H, W = levels.shape
    x = levels.clone()
    for i in range(H):
        for j in range(W):
            if not known[i, j]:
                for c in range(C):
                    p = F.softmax(model(x)[:, :, c, i, j], dim=1)
                    x[:, c, i, j] = torch.multinomial(p, 1, generator=rng).squeeze(1)
    return x


@torch.no_grad()
def stays_in_eval(model, levels, known, rng=None):
    N, C, H, W = levels.shape
    model.eval()
    x = levels.clone()
    for i in range(H):
        for j in range(W):
            if not known[i, j]:
                for c in range(C):
                    p = F.softmax(model(x)[:, :, c, i, j], dim=1)
                    x[:, c, i, j] = torch.multinomial(p, 1, generator=rng).squeeze(1)
    return x


def with_gradients(model, levels, known, rng=None):
    N, C, H, W = levels.shape
    training = model.training
    model.eval()
    x = levels.clone()
    for i in range(H):
        for j in range(W):
            if not known[i, j]:
                for c in range(C):
                    p = F.softmax(model(x.clone())[:, :, c, i, j], dim=1)
                    x[:, c, i, j] = torch.multinomial(p, 1, generator=rng).squeeze(1)
    model.train(training)
    return x


@torch.no_grad()
def column_by_column(model, levels, known, rng=None):
    N, C, H, W = levels.shape
    training = model.training
    model.eval()
    x = levels.clone()
    for j in range(W):
        for i in range(H):
            if not known[i, j]:
                for c in range(C):
                    p = F.softmax(model(x)[:, :, c, i, j], dim=1)
                    x[:, c, i, j] = torch.multinomial(p, 1, generator=rng).squeeze(1)
    model.train(training)
    return x


@torch.no_grad()
def rng_not_used(model, levels, known, rng=None):
    N, C, H, W = levels.shape
    training = model.training
    model.eval()
    x = levels.clone()
    for i in range(H):
        for j in range(W):
            if not known[i, j]:
                for c in range(C):
                    p = F.softmax(model(x)[:, :, c, i, j], dim=1)
                    x[:, c, i, j] = torch.multinomial(p, 1).squeeze(1)
    model.train(training)
    return x


@torch.no_grad()
def all_unknown_at_once(model, levels, known, rng=None):
    training = model.training
    model.eval()
    given = levels * known
    p = model(given).softmax(dim=1).movedim(1, -1)  # (N, C, H, W, K)
    drawn = torch.multinomial(p.flatten(0, 3), 1, generator=rng).view(levels.shape)
    model.train(training)
    return torch.where(known, levels, drawn)


@torch.no_grad()
def everything_after_the_first_unknown(model, levels, known, rng=None):
    N, C, H, W = levels.shape
    training = model.training
    model.eval()
    x = levels.clone()
    start = int((~known).flatten().int().argmax())
    for t in range(start, H * W):
        i, j = divmod(t, W)
        for c in range(C):
            p = F.softmax(model(x)[:, :, c, i, j], dim=1)
            x[:, c, i, j] = torch.multinomial(p, 1, generator=rng).squeeze(1)
    model.train(training)
    return x


@torch.no_grad()
def rows_with_something_known_are_kept(model, levels, known, rng=None):
    N, C, H, W = levels.shape
    training = model.training
    model.eval()
    x = levels.clone()
    for i in range(H):
        if known[i].any():
            continue
        for j in range(W):
            for c in range(C):
                p = F.softmax(model(x)[:, :, c, i, j], dim=1)
                x[:, c, i, j] = torch.multinomial(p, 1, generator=rng).squeeze(1)
    model.train(training)
    return x


@torch.no_grad()
def first_channel_kept_only(model, levels, known, rng=None):
    N, C, H, W = levels.shape
    training = model.training
    model.eval()
    x = levels.clone()
    for i in range(H):
        for j in range(W):
            for c in range(C):
                if c == 0 and known[i, j]:
                    continue
                p = F.softmax(model(x)[:, :, c, i, j], dim=1)
                x[:, c, i, j] = torch.multinomial(p, 1, generator=rng).squeeze(1)
    model.train(training)
    return x


@torch.no_grad()
def known_not_filled_in(model, levels, known, rng=None):
    N, C, H, W = levels.shape
    training = model.training
    model.eval()
    x = torch.zeros_like(levels)
    for i in range(H):
        for j in range(W):
            if not known[i, j]:
                for c in range(C):
                    p = F.softmax(model(x)[:, :, c, i, j], dim=1)
                    x[:, c, i, j] = torch.multinomial(p, 1, generator=rng).squeeze(1)
    model.train(training)
    return x


@torch.no_grad()
def model_sees_the_old_levels(model, levels, known, rng=None):
    N, C, H, W = levels.shape
    training = model.training
    model.eval()
    x = levels.clone()
    for i in range(H):
        for j in range(W):
            if not known[i, j]:
                for c in range(C):
                    p = F.softmax(model(levels)[:, :, c, i, j], dim=1)
                    x[:, c, i, j] = torch.multinomial(p, 1, generator=rng).squeeze(1)
    model.train(training)
    return x


@torch.no_grad()
def known_turned_over(model, levels, known, rng=None):
    N, C, H, W = levels.shape
    training = model.training
    model.eval()
    keep = known.T.reshape(H, W)
    x = levels.clone()
    for i in range(H):
        for j in range(W):
            if not keep[i, j]:
                for c in range(C):
                    p = F.softmax(model(x)[:, :, c, i, j], dim=1)
                    x[:, c, i, j] = torch.multinomial(p, 1, generator=rng).squeeze(1)
    model.train(training)
    return x


@torch.no_grad()
def float_result(model, levels, known, rng=None):
    N, C, H, W = levels.shape
    training = model.training
    model.eval()
    x = levels * known.float()
    for i in range(H):
        for j in range(W):
            if not known[i, j]:
                for c in range(C):
                    p = F.softmax(model(x.long())[:, :, c, i, j], dim=1)
                    x[:, c, i, j] = torch.multinomial(p, 1, generator=rng).squeeze(1).float()
    model.train(training)
    return x


def overwritten_and_channels_at_once(model, levels, known, rng=None):
    training = model.training
    model.eval()
    with torch.no_grad():
        for i, j in itertools.product(range(levels.shape[2]), range(levels.shape[3])):
            if known[i, j]:
                continue
            logits = model(levels)[:, :, :, i, j]
            for c in range(levels.shape[1]):
                p = logits[:, :, c].softmax(1)
                levels[:, c, i, j] = p.multinomial(1, generator=rng)[:, 0]
    model.train(training)
    return levels


def likeliest_and_no_eval(model, levels, known, rng=None):
    x = levels.clone()
    with torch.no_grad():
        for i, j in torch.nonzero(~known).tolist():
            for c in range(x.shape[1]):
                x[:, c, i, j] = model(x)[:, :, c, i, j].max(dim=1).indices
    return x


RIGHT = [
    skips_known_pixels,
    listed_places,
    draws_all_and_keeps_some,
    own_sample_of_a_model_that_knows,
    gumbel_image_by_image,
]
WRONG = {
    levels_overwritten: "in_place",
    known_is_drawn: "exchanged",
    pasted_at_the_end: "known_put_in_afterwards",
    likeliest: "likeliest",
    channels_at_once: "channels_at_once",
    no_eval: "in_training_mode",
    stays_in_eval: "mode_not_restored",
    with_gradients: "with_graph",
    column_by_column: "column_by_column",
    rng_not_used: "rng_ignored",
    all_unknown_at_once: "asked_once_about_zeros",
    everything_after_the_first_unknown: "known_up_to_the_first_unknown",
    rows_with_something_known_are_kept: "",
    first_channel_kept_only: "",
    known_not_filled_in: "known_never_put_in",
    model_sees_the_old_levels: "asked_once",
    known_turned_over: "",
    float_result: "floats",
    overwritten_and_channels_at_once: "in_place channels_at_once",
    likeliest_and_no_eval: "likeliest in_training_mode",
}
