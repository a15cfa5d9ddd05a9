"""Answers to `seen_pixels` as students give them, written from the lecture's text alone."""

import copy

import torch
import torch.nn.functional as F


def autograd(network, image, row, column):
    x = image.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(network(x)[0, 0, row, column], x)
    return (gradient[0] != 0).any(dim=0)


def with_inputs(network, image, row, column):
    x = image.detach().clone()
    x.requires_grad = True
    network(x)[0, 0, row, column].backward(inputs=[x])
    return x.grad.abs().sum(dim=(0, 1)) > 0


def on_a_copy(network, image, row, column):
    net = copy.deepcopy(network)
    x = image.clone().requires_grad_()
    net(x)[0, 0, row, column].backward()
    return (x.grad != 0).squeeze(0).any(0)


def by_jacobian(network, image, row, column):
    jac = torch.autograd.functional.jacobian(lambda x: network(x)[0, 0, row, column], image)
    return jac[0].ne(0).any(dim=0)


def by_func(network, image, row, column):
    g = torch.func.grad(lambda x: network(x)[0, 0, row, column])(image)
    return torch.amax(g.abs(), dim=1)[0] > 0


def vector_product(network, image, row, column):
    x = image.detach().clone().requires_grad_(True)
    out = network(x)
    one = torch.zeros_like(out)
    one[..., row, column] = 1
    g = torch.autograd.grad(out, x, grad_outputs=one)[0]
    return g.abs().sum(1).squeeze(0).bool()


def gradients_put_back(network, image, row, column):
    before = [(p, p.grad) for p in network.parameters()]
    for p, _ in before:
        p.grad = None
    x = image.clone().requires_grad_()
    network(x)[0, 0, row, column].backward()
    for p, g in before:
        p.grad = g
    return torch.any(x.grad[0] != 0, dim=0)


def channel_by_channel(network, image, row, column):
    x = image.clone()
    x.requires_grad_(True)
    g = torch.autograd.grad(network(x)[0, 0, row, column], x)[0]
    seen = torch.zeros(image.shape[2:], dtype=torch.bool)
    for channel in g[0]:
        seen |= channel != 0
    return seen


def max_over_channels(network, image, row, column):
    with torch.enable_grad():
        x = image.detach().requires_grad_(True)
        y = network(x)[:, :, row, column].sum()
        g = torch.autograd.grad(y, x)[0]
    return (g.abs().max(dim=1).values > 0)[0]


def required_for_a_while(network, image, row, column):
    image.requires_grad_(True)
    g = torch.autograd.grad(network(image)[0, 0, row, column], image)[0]
    image.requires_grad_(False)
    return (g != 0).any(dim=1)[0]


# -- wrong ones


def parameters_get_gradients(network, image, row, column):
    x = image.clone().requires_grad_(True)
    network(x)[0, 0, row, column].backward()
    return (x.grad[0] != 0).any(dim=0)


def zero_grad_afterwards(network, image, row, column):
    x = image.clone().requires_grad_(True)
    network(x)[0, 0, row, column].backward()
    network.zero_grad()
    return (x.grad[0] != 0).any(dim=0)


def image_requires(network, image, row, column):
    image.requires_grad_(True)
    g = torch.autograd.grad(network(image)[0, 0, row, column], image)[0]
    return (g[0] != 0).any(dim=0)


def image_keeps_all(network, image, row, column):
    image.requires_grad = True
    network(image)[0, 0, row, column].backward()
    return (image.grad[0] != 0).any(dim=0)


def image_keeps_its_grad(network, image, row, column):
    image.requires_grad_()
    network(image)[0, 0, row, column].backward(inputs=[image])
    image.requires_grad_(False)
    return (image.grad[0] != 0).any(dim=0)


def accumulated_in_image(network, image, row, column):
    image.requires_grad = True
    network.zero_grad()
    network(image)[0, 0, row, column].backward()
    seen = (image.grad[0] != 0).any(dim=0)
    image.requires_grad = False
    image.grad = None
    return seen


def the_whole_map(network, image, row, column):
    x = image.clone().requires_grad_(True)
    g = torch.autograd.grad(network(x).sum(), x)[0]
    return (g[0] != 0).any(dim=0)


def row_and_column_swapped(network, image, row, column):
    x = image.clone().requires_grad_(True)
    out = network(x)
    g = torch.autograd.grad(out[0, 0, min(column, out.shape[2] - 1), min(row, out.shape[3] - 1)], x)
    return (g[0][0] != 0).any(dim=0)


def plainly_swapped(network, image, row, column):
    x = image.clone().requires_grad_(True)
    g = torch.autograd.grad(network(x)[0, 0, column, row], x)[0]
    return (g[0] != 0).any(dim=0)


def all_channels(network, image, row, column):
    x = image.clone().requires_grad_(True)
    g = torch.autograd.grad(network(x)[0, 0, row, column], x)[0]
    return (g[0] != 0).all(dim=0)


def first_channel(network, image, row, column):
    x = image.clone().requires_grad_(True)
    g = torch.autograd.grad(network(x)[0, 0, row, column], x)[0]
    return g[0, 0] != 0


def only_positive(network, image, row, column):
    x = image.clone().requires_grad_(True)
    g = torch.autograd.grad(network(x)[0, 0, row, column], x)[0]
    return (g[0] > 0).any(dim=0)


def sum_without_abs(network, image, row, column):
    x = image.clone().requires_grad_(True)
    g = torch.autograd.grad(network(x)[0, 0, row, column], x)[0]
    return g[0].sum(0) != 0


def sum_is_positive(network, image, row, column):
    x = image.clone().requires_grad_(True)
    g = torch.autograd.grad(network(x)[0, 0, row, column], x)[0]
    return g[0].sum(dim=0) > 0


def with_batch(network, image, row, column):
    x = image.clone().requires_grad_(True)
    g = torch.autograd.grad(network(x)[0, 0, row, column], x)[0]
    return (g != 0).any(dim=1)


def with_channels(network, image, row, column):
    x = image.clone().requires_grad_(True)
    g = torch.autograd.grad(network(x)[0, 0, row, column], x)[0]
    return g[0] != 0


def as_floats(network, image, row, column):
    return autograd(network, image, row, column).float()


def the_gradient(network, image, row, column):
    x = image.clone().requires_grad_(True)
    return torch.autograd.grad(network(x)[0, 0, row, column], x)[0].abs().sum((0, 1))


def threshold(network, image, row, column):
    x = image.clone().requires_grad_(True)
    g = torch.autograd.grad(network(x)[0, 0, row, column], x)[0]
    return g.abs().amax((0, 1)) > 1e-3


def not_close_to_zero(network, image, row, column):
    x = image.clone().requires_grad_(True)
    g = torch.autograd.grad(network(x)[0, 0, row, column], x)[0]
    return ~torch.isclose(g, torch.zeros_like(g)).all(dim=1)[0]


def bounding_box(network, image, row, column):
    seen = autograd(network, image, row, column)
    box = torch.zeros_like(seen)
    rows, columns = seen.nonzero().T
    box[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = True
    return box


def blackened(network, image, row, column):
    # a pixel is seen if the number changes once it is 0
    with torch.no_grad():
        number = network(image)[0, 0, row, column]
        seen = torch.zeros(image.shape[-2:], dtype=torch.bool)
        for i in range(image.shape[2]):
            for j in range(image.shape[3]):
                changed = image.clone()
                changed[:, :, i, j] = 0
                seen[i, j] = network(changed)[0, 0, row, column] != number
    return seen


def on_ones(network, image, row, column):
    x = torch.ones_like(image).requires_grad_(True)
    g = torch.autograd.grad(network(x)[0, 0, row, column], x)[0]
    return (g[0] != 0).any(dim=0)


def parameters_frozen(network, image, row, column):
    for p in network.parameters():
        p.requires_grad_(False)
    x = image.clone().requires_grad_(True)
    network(x)[0, 0, row, column].backward()
    return (x.grad[0] != 0).any(dim=0)


RIGHT = [
    autograd,
    with_inputs,
    on_a_copy,
    by_jacobian,
    by_func,
    vector_product,
    gradients_put_back,
    channel_by_channel,
    max_over_channels,
    required_for_a_while,
]
WRONG = {
    parameters_get_gradients: "backward",
    zero_grad_afterwards: "zero_grad",
    image_requires: "image_needs_gradient",
    image_keeps_all: "image_and_parameters",
    image_keeps_its_grad: "image_with_grad",
    accumulated_in_image: "backward zero_grad",
    the_whole_map: "whole_map",
    row_and_column_swapped: "exchanged",
    plainly_swapped: "exchanged",
    all_channels: "all_channels",
    first_channel: "first_channel",
    only_positive: "above_zero",
    sum_without_abs: "channels_added",
    sum_is_positive: "channels_added above_zero",
    with_batch: "",
    with_channels: "channels_apart",
    as_floats: "zeros_and_ones",
    the_gradient: "derivative_returned",
    threshold: "",
    not_close_to_zero: "",
    bounding_box: "",
    blackened: "",
    on_ones: "",
    parameters_frozen: "frozen",
}
