"""Answers to `gated_block` as students give them, written from the lecture's text alone."""

import torch
from torch.nn import functional as F


def in_two_halves(v, h, vertical, link, horizontal, output, condition=None):
    def gate(m):
        if condition is not None:
            m = m + condition[:, :, None, None]
        a, b = m.chunk(2, dim=1)
        return torch.tanh(a) * torch.sigmoid(b)

    maps, above = vertical(v)
    return gate(maps), h + output(gate(horizontal(h) + link(above)))


def sliced(v, h, vertical, link, horizontal, output, condition=None):
    P = v.shape[1]
    u = 0.0 if condition is None else condition.unsqueeze(-1).unsqueeze(-1)
    m_v, m_v_above = vertical(v)
    m_h = horizontal(h) + link(m_v_above)
    m_v, m_h = m_v + u, m_h + u
    v_next = m_v[:, :P].tanh() * m_v[:, P:].sigmoid()
    gated = m_h[:, :P].tanh() * m_h[:, P:].sigmoid()
    return v_next, output(gated) + h


def glu_of_tanh(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    P = maps.shape[1] // 2
    if condition is None:
        condition = maps.new_zeros(maps.shape[:2])
    u = condition.view(*condition.shape, 1, 1)

    def gate(m):
        return F.glu(torch.cat([(m + u)[:, :P].tanh(), (m + u)[:, P:]], dim=1), dim=1)

    h = h.clone() + output(gate(link(above) + horizontal(h)))
    return gate(maps), h


def exponentials(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    both = torch.stack([maps, horizontal(h) + link(above)])  # (2, N, 2 P, H, W)
    if condition is not None:
        both = both + condition[None, :, :, None, None]
    value, door = both.double().split(both.shape[2] // 2, dim=2)
    gated = (2 / (1 + torch.exp(-2 * value)) - 1) / (1 + torch.exp(-door))
    v_next, inner = gated.to(h.dtype)
    return v_next, h + output(inner)


def channel_by_channel(v, h, vertical, link, horizontal, output, condition=None):
    N, P, H, W = h.shape
    maps, above = vertical(v)
    sums = horizontal(h) + link(above)
    new_v, gated = [], []
    for p in range(P):
        for m, out in ((maps, new_v), (sums, gated)):
            value, door = m[:, p], m[:, P + p]
            if condition is not None:
                value = value + condition[:, p].reshape(N, 1, 1)
                door = door + condition[:, P + p].reshape(N, 1, 1)
            out.append(torch.tanh(value) * torch.sigmoid(door))
    return torch.stack(new_v, dim=1), torch.add(h, output(torch.stack(gated, dim=1)))


def vertical_called_twice(v, h, vertical, link, horizontal, output, condition=None):
    u = torch.zeros(1) if condition is None else condition.view(len(v), -1, 1, 1)
    results = []
    for m in (vertical(v)[0] + u, horizontal(h) + link(vertical(v)[1]) + u):
        half = m.size(1) // 2
        results.append(m.narrow(1, 0, half).tanh() * m.narrow(1, half, half).sigmoid())
    return results[0], output(results[1]) + h


def gate(m, condition=None):
    if condition is not None:
        m = m + condition[:, :, None, None]
    a, b = m.chunk(2, dim=1)
    return torch.tanh(a) * torch.sigmoid(b)


def halves_swapped(v, h, vertical, link, horizontal, output, condition=None):
    def gate(m):
        if condition is not None:
            m = m + condition[:, :, None, None]
        a, b = m.chunk(2, dim=1)
        return torch.sigmoid(a) * torch.tanh(b)

    maps, above = vertical(v)
    return gate(maps), h + output(gate(horizontal(h) + link(above)))


def every_second_channel(v, h, vertical, link, horizontal, output, condition=None):
    def gate(m):
        if condition is not None:
            m = m + condition[:, :, None, None]
        return torch.tanh(m[:, ::2]) * torch.sigmoid(m[:, 1::2])

    maps, above = vertical(v)
    return gate(maps), h + output(gate(horizontal(h) + link(above)))


def no_residual(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    v = gate(maps, condition)
    h = output(gate(horizontal(h) + link(above), condition))
    return v, h


def residual_in_both(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    new_v = v + gate(maps, condition)
    new_h = h + output(gate(horizontal(h) + link(above), condition))
    return new_v, new_h


def link_of_maps(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    h = h + output(gate(horizontal(h) + link(maps), condition))
    return gate(maps, condition), h


def link_forgotten(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    h = h + output(gate(horizontal(h) + above, condition))
    return gate(maps, condition), h


def nothing_from_the_vertical_stack(v, h, vertical, link, horizontal, output, condition=None):
    maps, _ = vertical(v)
    return gate(maps, condition), h + output(gate(horizontal(h), condition))


def condition_forgotten(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    return gate(maps), h + output(gate(horizontal(h) + link(above)))


def condition_for_h_only(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    return gate(maps), h + output(gate(horizontal(h) + link(above), condition))


def condition_before_the_link(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    if condition is not None:
        u = condition[..., None, None]
        maps, above = maps + u, above + u
    return gate(maps), h + output(gate(horizontal(h) + link(above)))


def condition_twice_in_h(v, h, vertical, link, horizontal, output, condition=None):
    u = 0 if condition is None else condition[:, :, None, None]
    maps, above = vertical(v)
    m_h = (horizontal(h) + u) + (link(above) + u)
    return gate(maps + u), h + output(gate(m_h))


def condition_in_the_values_only(v, h, vertical, link, horizontal, output, condition=None):
    def gate(m):
        a, b = m.chunk(2, dim=1)
        if condition is not None:
            a = a + condition[:, : a.shape[1], None, None]
        return torch.tanh(a) * torch.sigmoid(b)

    maps, above = vertical(v)
    return gate(maps), h + output(gate(horizontal(h) + link(above)))


def sum_of_two_gates(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    inner = gate(horizontal(h), condition) + gate(link(above), condition)
    return gate(maps, condition), h + output(inner)


def h_before_v(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    h = h + output(gate(horizontal(h) + link(above), condition))
    v = gate(maps, condition)
    return h, v


def relu_of_the_values(v, h, vertical, link, horizontal, output, condition=None):
    def gate(m):
        if condition is not None:
            m = m + condition[:, :, None, None]
        a, b = m.chunk(2, dim=1)
        return torch.relu(a) * torch.sigmoid(b)

    maps, above = vertical(v)
    return gate(maps), h + output(gate(horizontal(h) + link(above)))


def sigmoid_of_both(v, h, vertical, link, horizontal, output, condition=None):
    def gate(m):
        if condition is not None:
            m = m + condition[:, :, None, None]
        a, b = m.split(m.shape[1] // 2, dim=1)
        return torch.sigmoid(a) * torch.sigmoid(b)

    maps, above = vertical(v)
    return gate(maps), h + output(gate(horizontal(h) + link(above)))


def added_instead_of_multiplied(v, h, vertical, link, horizontal, output, condition=None):
    def gate(m):
        if condition is not None:
            m = m + condition[:, :, None, None]
        a, b = m.chunk(2, dim=1)
        return torch.tanh(a) + torch.sigmoid(b)

    maps, above = vertical(v)
    return gate(maps), h + output(gate(horizontal(h) + link(above)))


def output_forgotten(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    return gate(maps, condition), h + gate(horizontal(h) + link(above), condition)


def output_of_the_sum(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    return gate(maps, condition), output(h + gate(horizontal(h) + link(above), condition))


def h_in_place(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    h.data += output(gate(horizontal(h) + link(above), condition))
    return gate(maps, condition), h


def vertical_of_the_new_v(v, h, vertical, link, horizontal, output, condition=None):
    v = gate(vertical(v)[0], condition)
    _, above = vertical(v)
    return v, h + output(gate(horizontal(h) + link(above), condition))


def halves_swapped_and_no_residual(v, h, vertical, link, horizontal, output, condition=None):
    def gate(m):
        if condition is not None:
            m = m + condition[:, :, None, None]
        door, value = torch.chunk(m, 2, dim=1)
        return value.tanh() * door.sigmoid()

    maps, above = vertical(v)
    return gate(maps), output(gate(horizontal(h) + link(above)))


def condition_forgotten_and_link_of_maps(v, h, vertical, link, horizontal, output, condition=None):
    v, _ = vertical(v)
    h = h + output(gate(horizontal(h) + link(v)))
    return gate(v), h


RIGHT = [
    in_two_halves,
    sliced,
    glu_of_tanh,
    exponentials,
    channel_by_channel,
    vertical_called_twice,
]
WRONG = {
    halves_swapped: "halves_exchanged",
    every_second_channel: "maps_in_turn",
    no_residual: "no_residual",
    residual_in_both: "residual_in_v",
    link_of_maps: "maps_linked",
    link_forgotten: "not_linked",
    nothing_from_the_vertical_stack: "link_left_out",
    condition_forgotten: "condition_ignored",
    condition_for_h_only: "condition_for_h_only",
    condition_before_the_link: "condition_through_link",
    condition_twice_in_h: "condition_twice",
    condition_in_the_values_only: "condition_for_tanh_only",
    sum_of_two_gates: "added_after_gates",
    h_before_v: "results_exchanged",
    relu_of_the_values: "relu_for_tanh",
    sigmoid_of_both: "two_sigmoids",
    added_instead_of_multiplied: "halves_added",
    output_forgotten: "output_left_out",
    output_of_the_sum: "residual_inside",
    h_in_place: "",
    vertical_of_the_new_v: "above_of_the_new_v",
    halves_swapped_and_no_residual: "halves_exchanged no_residual",
    condition_forgotten_and_link_of_maps: "condition_ignored maps_linked",
}
