import pytest
import torch
import torch.nn.functional as F
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    failed,
    graded,
)

from cvgen_course import pixelcnn as ref
from cvgen_course.pixelcnn.exercises import EXERCISES

EXERCISE = EXERCISES["gated_block"]


def plain_gate(maps):
    first, last = torch.chunk(maps, 2, dim=1)
    return torch.tanh(first) * torch.sigmoid(last)


def varied(gate=plain_gate, add=lambda maps, condition: maps + condition[..., None, None]):
    """Return a right answer in which the gate, or how the condition gets to it, is another."""

    def answer(v, h, vertical, link, horizontal, output, condition=None):
        maps, above = vertical(v)
        sums = horizontal(h) + link(above)
        if condition is not None:
            maps, sums = add(maps, condition), add(sums, condition)
        return gate(maps), h + output(gate(sums))

    return answer


def slices(maps):
    P = maps.shape[1] // 2
    return maps[:, :P].tanh() * maps[:, P:].sigmoid()


def glu(maps):
    first, last = maps.split(maps.shape[1] // 2, dim=1)
    return F.glu(torch.cat([first.tanh(), last], dim=1), dim=1)


def sigmoids_and_exponentials(maps):
    first, last = maps.unflatten(1, (2, -1)).unbind(1)
    return (2 * torch.sigmoid(2 * first) - 1) / (1 + torch.exp(-last))


def map_by_map(maps):
    P = maps.shape[1] // 2
    pairs = [maps[:, p].tanh() * maps[:, p + P].sigmoid() for p in range(P)]
    return torch.stack(pairs, dim=1)


def tanh_for_both(maps):
    first, last = maps.chunk(2, 1)
    return (first.tanh() + first.tanh() * (last / 2).tanh()) / 2


def channels_last(maps, condition):
    return (maps.permute(2, 3, 0, 1) + condition).permute(2, 3, 0, 1)


def view_and_expand(maps, condition):
    return maps + condition.view(*condition.shape, 1, 1).expand_as(maps)


def image_by_image(maps, condition):
    return torch.stack([m + c[:, None, None] for m, c in zip(maps, condition, strict=True)])


def vertical_asked_twice(v, h, vertical, link, horizontal, output, condition=None):
    c = 0 if condition is None else condition[:, :, None, None]
    new_h = output(plain_gate(link(vertical(v)[1]) + c + horizontal(h))) + h
    return plain_gate(vertical(v)[0] + c), new_h


def by_name(v, h, vertical, link, horizontal, output, condition=None):
    """As the library's layers return them; a condition of 0 where there is none."""
    told = vertical(v)
    if condition is None:
        condition = v.new_zeros(len(v), 2 * v.shape[1])
    both = torch.stack([told.maps, horizontal(h) + link(told.above)])
    new_v, step = plain_gate((both + condition[:, :, None, None]).flatten(0, 1)).chunk(2)
    return [new_v, h + output(step)]


def condition_added_to_each_part(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    parts = [horizontal(h), link(above)]
    if condition is not None:
        wide = condition.unsqueeze(-1).unsqueeze(-1)
        maps, parts = maps + wide, [*parts, wide]
    return slices(maps), torch.add(output(slices(sum(parts))), h)


def stays_in_float64(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    c = 0 if condition is None else condition.double()[:, :, None, None]
    step = plain_gate(horizontal(h).double() + link(above).double() + c)
    return plain_gate(maps.double() + c), h + output(step.to(h.dtype)).double()


def quarters(maps):
    """Tanh of the first and third quarter."""
    P = maps.shape[1] // 2
    order = torch.arange(2 * P).view(2, P).flip(1).flatten()
    return plain_gate(maps[:, order])


def both_tanh(maps):
    first, last = maps.chunk(2, 1)
    return first.tanh() * last.tanh()


def relu_for_tanh(maps):
    first, last = maps.chunk(2, 1)
    return first.relu() * last.sigmoid()


def hard_sigmoid(maps):
    first, last = maps.chunk(2, 1)
    return first.tanh() * F.hardsigmoid(last)


def halves_added(maps):
    first, last = maps.chunk(2, 1)
    return first.tanh() + last.sigmoid()


def softmax_for_sigmoid(maps):
    first, last = maps.chunk(2, 1)
    return first.tanh() * last.softmax(1)


def split_in_rows(maps):
    return maps.tanh() * maps.sigmoid()


def product_detached(maps):
    first, last = maps.chunk(2, 1)
    return first.tanh() * last.sigmoid().detach()


def subtracted(maps, condition):
    return maps - condition[..., None, None]


def multiplied(maps, condition):
    return maps * condition[..., None, None]


def of_the_first_image(maps, condition):
    return maps + condition[:1, :, None, None]


def for_sigmoid_only(maps, condition):
    condition = condition.clone()
    condition[:, : maps.shape[1] // 2] = 0
    return maps + condition[..., None, None]


def detached(maps, condition):
    return maps + condition.detach()[..., None, None]


def first_pixel_only(maps, condition):
    maps = maps.clone()
    maps[:, :, 0, 0] += condition
    return maps


def rearranged(change):
    """Return an answer from a function of everything that the step is made of."""

    def answer(v, h, vertical, link, horizontal, output, condition=None):
        c = 0 if condition is None else condition[:, :, None, None]

        def gate(maps):
            return plain_gate(maps + c)

        return change(v, h, vertical, link, horizontal, output, gate)

    answer.__name__ = change.__name__
    return answer


@rearranged
def v_and_h_into_vertical(v, h, vertical, link, horizontal, output, gate):
    maps, above = vertical(v + h)
    return gate(maps), h + output(gate(horizontal(h) + link(above)))


@rearranged
def inputs_exchanged(v, h, vertical, link, horizontal, output, gate):
    maps, above = vertical(h)
    return gate(maps), v + output(gate(horizontal(v) + link(above)))


@rearranged
def residual_from_v(v, h, vertical, link, horizontal, output, gate):
    maps, above = vertical(v)
    return gate(maps), v + output(gate(horizontal(h) + link(above)))


@rearranged
def residual_in_both(v, h, vertical, link, horizontal, output, gate):
    maps, above = vertical(v)
    return v + gate(maps), h + output(gate(horizontal(h) + link(above)))


@rearranged
def residual_twice(v, h, vertical, link, horizontal, output, gate):
    maps, above = vertical(v)
    return gate(maps), 2 * h + output(gate(horizontal(h) + link(above)))


@rearranged
def horizontal_of_the_new_v(v, h, vertical, link, horizontal, output, gate):
    maps, above = vertical(v)
    return gate(maps), h + output(gate(horizontal(gate(maps)) + link(above)))


@rearranged
def horizontal_left_out(v, h, vertical, link, horizontal, output, gate):
    maps, above = vertical(v)
    return gate(maps), h + output(gate(link(above)))


@rearranged
def link_of_the_sum(v, h, vertical, link, horizontal, output, gate):
    maps, above = vertical(v)
    return gate(maps), h + output(gate(link(horizontal(h) + above)))


@rearranged
def link_of_both(v, h, vertical, link, horizontal, output, gate):
    maps, above = vertical(v)
    return gate(maps), h + output(gate(horizontal(h) + link(above) + link(maps)))


@rearranged
def link_subtracted(v, h, vertical, link, horizontal, output, gate):
    maps, above = vertical(v)
    return gate(maps), h + output(gate(horizontal(h) - link(above)))


@rearranged
def linked_twice(v, h, vertical, link, horizontal, output, gate):
    maps, above = vertical(v)
    return gate(maps), h + output(gate(horizontal(h) + link(link(above))))


@rearranged
def vertical_twice(v, h, vertical, link, horizontal, output, gate):
    maps, above = vertical(gate(vertical(v)[0]))
    return gate(maps), h + output(gate(horizontal(h) + link(above)))


@rearranged
def output_of_both(v, h, vertical, link, horizontal, output, gate):
    maps, above = vertical(v)
    return output(gate(maps)), h + output(gate(horizontal(h) + link(above)))


@rearranged
def output_before_the_gate(v, h, vertical, link, horizontal, output, gate):
    maps, above = vertical(v)
    P = h.shape[1]
    sums = horizontal(h) + link(above)
    return gate(maps), h + gate(torch.cat([output(sums[:, :P]), output(sums[:, P:])], 1))


@rearranged
def maps_detached(v, h, vertical, link, horizontal, output, gate):
    maps, above = vertical(v)
    return gate(maps.detach()), h + output(gate(horizontal(h) + link(above)))


@rearranged
def residual_detached(v, h, vertical, link, horizontal, output, gate):
    maps, above = vertical(v)
    return gate(maps), h.detach() + output(gate(horizontal(h) + link(above)))


@rearranged
def v_is_maps(v, h, vertical, link, horizontal, output, gate):
    maps, above = vertical(v)
    return maps, h + output(gate(horizontal(h) + link(above)))


@rearranged
def h_alone(v, h, vertical, link, horizontal, output, gate):
    _, above = vertical(v)
    return h + output(gate(horizontal(h) + link(above)))


@rearranged
def with_step(v, h, vertical, link, horizontal, output, gate):
    maps, above = vertical(v)
    step = output(gate(horizontal(h) + link(above)))
    return gate(maps), h + step, step


@rearranged
def changes_h(v, h, vertical, link, horizontal, output, gate):
    maps, above = vertical(v)
    step = output(gate(horizontal(h.clone()) + link(above)))
    return gate(maps), h.add_(step)


@rearranged
def without_gradient(v, h, vertical, link, horizontal, output, gate):
    with torch.no_grad():
        maps, above = vertical(v)
        return gate(maps), h + output(gate(horizontal(h) + link(above)))


def condition_is_needed(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    c = condition[:, :, None, None]
    return plain_gate(maps + c), h + output(plain_gate(horizontal(h) + link(above) + c))


RIGHT = {
    "plain": varied(),
    **{
        gate.__name__: varied(gate)
        for gate in (slices, glu, sigmoids_and_exponentials, map_by_map, tanh_for_both)
    },
    **{add.__name__: varied(add=add) for add in (channels_last, view_and_expand, image_by_image)},
    **{
        answer.__name__: answer
        for answer in (
            *(vertical_asked_twice, by_name, condition_added_to_each_part, stays_in_float64),
        )
    },
}
WRONG = {
    **{
        gate.__name__: varied(gate)
        for gate in (
            *(quarters, both_tanh, relu_for_tanh, hard_sigmoid, halves_added),
            *(softmax_for_sigmoid, split_in_rows, product_detached),
        )
    },
    **{
        add.__name__: varied(add=add)
        for add in (
            *(subtracted, multiplied, of_the_first_image, for_sigmoid_only, detached),
            first_pixel_only,
        )
    },
    **{
        answer.__name__: answer
        for answer in (
            *(v_and_h_into_vertical, inputs_exchanged, residual_from_v, residual_in_both),
            *(residual_twice, horizontal_of_the_new_v, horizontal_left_out, link_of_the_sum),
            *(link_of_both, link_subtracted, linked_twice, vertical_twice, output_of_both),
            *(output_before_the_gate, maps_detached, residual_detached, v_is_maps, h_alone),
            *(with_step, changes_h, without_gradient, condition_is_needed),
        )
    },
}
EQUIVALENT = {"gate: None -> 1": "gated_block always says what the condition is"}


@pytest.mark.parametrize("answer", RIGHT.values(), ids=RIGHT)
def test_gated_block_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_gated_block_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_gated_block_gives_points_for_v_where_h_is_missing():
    def answer(v, h, vertical, link, horizontal, output, condition=None):
        c = 0 if condition is None else condition[:, :, None, None]
        return plain_gate(vertical(v)[0] + c), None

    report = graded(EXERCISE, answer)
    assert 0 < report.points < EXERCISE.points
    assert all("The new h is None" in message for message in failed(report))


def test_gated_block_shows_who_sees_too_much():
    (message,) = (m for m in failed(graded(EXERCISE, link_of_both)) if m.startswith("who sees"))
    assert "pixels of v (columns) that those of the new h (rows) see" in message.lower()


def test_gated_block_must_not_come_from_the_librarys_gate():
    assert graded(EXERCISE, varied(lambda maps: ref.gate(maps))).points == 0.0


def test_gated_block_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT, helpers=("gate",))
