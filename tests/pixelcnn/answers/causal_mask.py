"""Answers to `causal_mask` as students give them, written from the lecture's text alone."""

import numpy as np
import torch


def four_loops(kind, kernel_size, in_channels, out_channels, num_groups=1):
    height, width = kernel_size
    mask = torch.zeros(out_channels, in_channels, height, width)
    for o in range(out_channels):
        for i in range(in_channels):
            g_o = o // (out_channels // num_groups)
            g_i = i // (in_channels // num_groups)
            for a in range(height):
                for b in range(width):
                    if a < height // 2 or (a == height // 2 and b < width // 2):
                        mask[o, i, a, b] = 1
                    if a == height // 2 and b == width // 2:
                        if kind == "A":
                            mask[o, i, a, b] = g_i < g_o
                        else:
                            mask[o, i, a, b] = g_i <= g_o
    return mask


def numpy_repeat(kind, kernel_size, in_channels, out_channels, num_groups=1):
    h, w = kernel_size
    mask = np.ones((out_channels, in_channels, h, w))
    mask[:, :, h // 2 + 1 :] = 0
    mask[:, :, h // 2, w // 2 :] = 0
    groups = np.arange(num_groups)
    g_in = np.repeat(groups, in_channels // num_groups)
    g_out = np.repeat(groups, out_channels // num_groups)
    compare = np.less if kind == "A" else np.less_equal
    mask[:, :, h // 2, w // 2] = compare(g_in[None, :], g_out[:, None])
    return torch.from_numpy(mask.astype(np.float32))


def kronecker(kind, kernel_size, in_channels, out_channels, num_groups=1):
    n = kernel_size[0] * kernel_size[1]
    flat = (torch.arange(n) < n // 2).float().repeat(out_channels, in_channels, 1)
    between = torch.ones(num_groups, num_groups).tril(-1 if kind == "A" else 0)
    block = torch.ones(out_channels // num_groups, in_channels // num_groups)
    flat[:, :, n // 2] = torch.kron(between, block)
    return flat.view(out_channels, in_channels, *kernel_size)


def broadcast_in_float64(kind, kernel_size, in_channels, out_channels, num_groups=1):
    rows = torch.arange(kernel_size[0])[:, None] - kernel_size[0] // 2
    columns = torch.arange(kernel_size[1])[None, :] - kernel_size[1] // 2
    before = (rows < 0) | ((rows == 0) & (columns < 0))
    middle = (rows == 0) & (columns == 0)
    g_o = torch.arange(out_channels) * num_groups // out_channels
    g_i = torch.arange(in_channels) * num_groups // in_channels
    allowed = g_i[None, :] < g_o[:, None] if kind == "A" else g_i[None, :] <= g_o[:, None]
    return (before | (middle & allowed[:, :, None, None])).double()


def group_by_group(kind, kernel_size, in_channels, out_channels, num_groups=1):
    kh, kw = kernel_size
    mask = torch.cat(
        [torch.ones(kh // 2, kw), torch.zeros(kh - kh // 2, kw)],
    )
    mask[kh // 2, : kw // 2] = 1.0
    mask = mask[None, None].repeat(out_channels, in_channels, 1, 1)
    size_in, size_out = in_channels // num_groups, out_channels // num_groups
    for g in range(num_groups):
        last = g if kind == "A" else g + 1
        mask[g * size_out : (g + 1) * size_out, : last * size_in, kh // 2, kw // 2] = 1.0
    return mask


def groups_ignored(kind, kernel_size, in_channels, out_channels, num_groups=1):
    h, w = kernel_size
    mask = torch.ones(out_channels, in_channels, h, w)
    mask[:, :, h // 2, w // 2 + (kind == "B") :] = 0
    mask[:, :, h // 2 + 1 :] = 0
    return mask


def kinds_swapped(kind, kernel_size, in_channels, out_channels, num_groups=1):
    h, w = kernel_size
    mask = torch.zeros(out_channels, in_channels, h, w)
    mask[:, :, : h // 2] = 1
    mask[:, :, h // 2, : w // 2] = 1
    g_in = torch.arange(in_channels) // (in_channels // num_groups)
    g_out = torch.arange(out_channels) // (out_channels // num_groups)
    if kind == "A":
        mask[:, :, h // 2, w // 2] = (g_in <= g_out[:, None]).float()
    else:
        mask[:, :, h // 2, w // 2] = (g_in < g_out[:, None]).float()
    return mask


def groups_in_turns(kind, kernel_size, in_channels, out_channels, num_groups=1):
    h, w = kernel_size
    mask = torch.zeros(out_channels, in_channels, h, w)
    mask[:, :, : h // 2] = 1
    mask[:, :, h // 2, : w // 2] = 1
    for o in range(out_channels):
        for i in range(in_channels):
            g_i, g_o = i % num_groups, o % num_groups
            if g_i < g_o or (kind == "B" and g_i == g_o):
                mask[o, i, h // 2, w // 2] = 1
    return mask


def inputs_first(kind, kernel_size, in_channels, out_channels, num_groups=1):
    h, w = kernel_size
    mask = torch.zeros(in_channels, out_channels, h, w)
    mask[:, :, : h // 2, :] = 1
    mask[:, :, h // 2, : w // 2] = 1
    for i in range(in_channels):
        for o in range(out_channels):
            g_i = i // (in_channels // num_groups)
            g_o = o // (out_channels // num_groups)
            if g_i < g_o or (kind == "B" and g_i == g_o):
                mask[i, o, h // 2, w // 2] = 1
    return mask


def blue_comes_first(kind, kernel_size, in_channels, out_channels, num_groups=1):
    h, w = kernel_size
    mask = torch.zeros(out_channels, in_channels, h, w)
    mask[:, :, : h // 2] = 1
    mask[:, :, h // 2, : w // 2] = 1
    g_in = torch.arange(in_channels) // (in_channels // num_groups)
    g_out = torch.arange(out_channels) // (out_channels // num_groups)
    middle = g_in[None] > g_out[:, None] if kind == "A" else g_in[None] >= g_out[:, None]
    mask[:, :, h // 2, w // 2] = middle.float()
    return mask


def upper_left_only(kind, kernel_size, in_channels, out_channels, num_groups=1):
    h, w = kernel_size
    mask = torch.zeros(out_channels, in_channels, h, w)
    mask[:, :, : h // 2, : w // 2] = 1
    mask[:, :, h // 2, : w // 2] = 1
    between = torch.tril(torch.ones(num_groups, num_groups), -1 if kind == "A" else 0)
    between = between.repeat_interleave(out_channels // num_groups, 0)
    mask[:, :, h // 2, w // 2] = between.repeat_interleave(in_channels // num_groups, 1)
    return mask


def kind_forgotten(kind, kernel_size, in_channels, out_channels, num_groups=1):
    h, w = kernel_size
    mask = torch.zeros(out_channels, in_channels, h, w)
    mask[:, :, : h // 2] = 1
    mask[:, :, h // 2, : w // 2] = 1
    n_in, n_out = in_channels // num_groups, out_channels // num_groups
    for g in range(1, num_groups):
        mask[g * n_out : (g + 1) * n_out, : g * n_in, h // 2, w // 2] = 1
    return mask


def whole_row(kind, kernel_size, in_channels, out_channels, num_groups=1):
    h, w = kernel_size
    mask = torch.ones(out_channels, in_channels, h, w)
    mask[:, :, h // 2 + 1 :, :] = 0
    g_in = torch.arange(in_channels) // (in_channels // num_groups)
    g_out = torch.arange(out_channels) // (out_channels // num_groups)
    allowed = g_in < g_out[:, None] if kind == "A" else g_in <= g_out[:, None]
    mask[:, :, h // 2, w // 2] = allowed.float()
    return mask


def width_before_height(kind, kernel_size, in_channels, out_channels, num_groups=1):
    w, h = kernel_size
    mask = torch.zeros(out_channels, in_channels, h, w)
    mask[:, :, : h // 2] = 1
    mask[:, :, h // 2, : w // 2] = 1
    g_in = torch.arange(in_channels) // (in_channels // num_groups)
    g_out = torch.arange(out_channels) // (out_channels // num_groups)
    allowed = g_in < g_out[:, None] if kind == "A" else g_in <= g_out[:, None]
    mask[:, :, h // 2, w // 2] = allowed.float()
    return mask


def returns_bool(kind, kernel_size, in_channels, out_channels, num_groups=1):
    h, w = kernel_size
    mask = torch.zeros(out_channels, in_channels, h, w, dtype=torch.bool)
    mask[:, :, : h // 2] = True
    mask[:, :, h // 2, : w // 2] = True
    g_in = torch.arange(in_channels) // (in_channels // num_groups)
    g_out = torch.arange(out_channels) // (out_channels // num_groups)
    mask[:, :, h // 2, w // 2] = g_in < g_out[:, None] if kind == "A" else g_in <= g_out[:, None]
    return mask


def inverted(kind, kernel_size, in_channels, out_channels, num_groups=1):
    h, w = kernel_size
    mask = torch.ones(out_channels, in_channels, h, w)
    mask[:, :, : h // 2] = 0
    mask[:, :, h // 2, : w // 2] = 0
    g_in = torch.arange(in_channels) // (in_channels // num_groups)
    g_out = torch.arange(out_channels) // (out_channels // num_groups)
    allowed = g_in < g_out[:, None] if kind == "A" else g_in <= g_out[:, None]
    mask[:, :, h // 2, w // 2] = 1 - allowed.float()
    return mask


def own_feature_only(kind, kernel_size, in_channels, out_channels, num_groups=1):
    h, w = kernel_size
    mask = torch.zeros(out_channels, in_channels, h, w)
    mask[:, :, : h // 2] = 1
    mask[:, :, h // 2, : w // 2] = 1
    for o in range(out_channels):
        for i in range(in_channels):
            g_i = i // (in_channels // num_groups)
            g_o = o // (out_channels // num_groups)
            if g_i < g_o or (kind == "B" and i == o):
                mask[o, i, h // 2, w // 2] = 1
    return mask


def groups_of_size_num_groups(kind, kernel_size, in_channels, out_channels, num_groups=1):
    h, w = kernel_size
    mask = torch.zeros(out_channels, in_channels, h, w)
    mask[:, :, : h // 2] = 1
    mask[:, :, h // 2, : w // 2] = 1
    g_in = torch.arange(in_channels) // num_groups
    g_out = torch.arange(out_channels) // num_groups
    allowed = g_in < g_out[:, None] if kind == "A" else g_in <= g_out[:, None]
    mask[:, :, h // 2, w // 2] = allowed.float()
    return mask


def groups_of_inputs_for_both(kind, kernel_size, in_channels, out_channels, num_groups=1):
    h, w = kernel_size
    per_group = in_channels // num_groups
    mask = torch.zeros(out_channels, in_channels, h, w)
    mask[:, :, : h // 2] = 1
    mask[:, :, h // 2, : w // 2] = 1
    for o in range(out_channels):
        for i in range(in_channels):
            if i // per_group < o // per_group:
                mask[o, i, h // 2, w // 2] = 1
            if kind == "B" and i // per_group == o // per_group:
                mask[o, i, h // 2, w // 2] = 1
    return mask


def groups_everywhere(kind, kernel_size, in_channels, out_channels, num_groups=1):
    h, w = kernel_size
    spatial = torch.zeros(h, w)
    spatial[: h // 2] = 1
    spatial[h // 2, : w // 2 + 1] = 1
    g_in = torch.arange(in_channels) // (in_channels // num_groups)
    g_out = torch.arange(out_channels) // (out_channels // num_groups)
    allowed = g_in < g_out[:, None] if kind == "A" else g_in <= g_out[:, None]
    return spatial * allowed.float()[:, :, None, None]


def column_by_column(kind, kernel_size, in_channels, out_channels, num_groups=1):
    h, w = kernel_size
    mask = torch.zeros(out_channels, in_channels, h, w)
    mask[..., : w // 2] = 1
    mask[..., : h // 2, w // 2] = 1
    g_in = torch.arange(in_channels) // (in_channels // num_groups)
    g_out = torch.arange(out_channels) // (out_channels // num_groups)
    allowed = g_in < g_out[:, None] if kind == "A" else g_in <= g_out[:, None]
    mask[..., h // 2, w // 2] = allowed.float()
    return mask


def middle_forgotten_in_kind_a(kind, kernel_size, in_channels, out_channels, num_groups=1):
    h, w = kernel_size
    mask = torch.zeros(out_channels, in_channels, h, w)
    mask[:, :, : h // 2] = 1
    mask[:, :, h // 2, : w // 2] = 1
    if kind == "B":
        g_in = torch.arange(in_channels) // (in_channels // num_groups)
        g_out = torch.arange(out_channels) // (out_channels // num_groups)
        mask[:, :, h // 2, w // 2] = (g_in <= g_out[:, None]).float()
    return mask


def groups_ignored_and_bool(kind, kernel_size, in_channels, out_channels, num_groups=1):
    h, w = kernel_size
    n = h * w // 2
    if kind == "B":
        n += 1
    mask = (torch.arange(h * w) < n).view(1, 1, h, w)
    return mask.expand(out_channels, in_channels, h, w)


def kinds_swapped_and_groups_ignored(kind, kernel_size, in_channels, out_channels, num_groups=1):
    h, w = kernel_size
    mask = torch.zeros(out_channels, in_channels, h, w)
    mask[:, :, : h // 2, :] = 1
    mask[:, :, h // 2, : w // 2] = 1
    if kind == "A":
        mask[:, :, h // 2, w // 2] = 1
    return mask


RIGHT = [four_loops, numpy_repeat, kronecker, broadcast_in_float64, group_by_group]
WRONG = {
    groups_ignored: "groups_ignored",
    kinds_swapped: "kinds_exchanged",
    groups_in_turns: "interleaved",
    inputs_first: "channels_exchanged",
    blue_comes_first: "groups_reversed",
    upper_left_only: "upper_left_only",
    kind_forgotten: "always_a",
    whole_row: "right_of_the_middle",
    width_before_height: "sides_exchanged",
    returns_bool: "bools",
    inverted: "inverted",
    own_feature_only: "",
    groups_of_size_num_groups: "",
    groups_of_inputs_for_both: "size_of_input_groups",
    groups_everywhere: "groups_everywhere",
    column_by_column: "down_the_columns",
    middle_forgotten_in_kind_a: "a_sees_no_earlier_group",
    groups_ignored_and_bool: "groups_ignored bools",
    kinds_swapped_and_groups_ignored: "kinds_exchanged_groups_ignored kinds_exchanged",
}
