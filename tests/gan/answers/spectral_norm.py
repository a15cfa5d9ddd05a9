"""Answers to `spectral_norm` as students give them, written from the lecture's text alone."""

import torch
import torch.nn.functional as F


def textbook(weight, u, training=True):
    W = weight.reshape(weight.shape[0], -1)
    with torch.no_grad():
        v = W.T @ u
        v = v / v.norm()
        if training:
            u = W @ v
            u = u / u.norm()
    sigma = u @ (W @ v)
    return weight / sigma, u


def detach_everywhere(weight, u, training=True):
    W = weight.view(weight.size(0), -1)
    v = F.normalize(torch.mv(W.t(), u), dim=0).detach()
    if training:
        u = F.normalize(torch.mv(W, v), dim=0).detach()
    return weight / torch.dot(u, torch.mv(W, v)), u


def linalg(weight, u, training=True):
    W = torch.flatten(weight, start_dim=1)
    data = W.detach().double()
    v = data.T @ u.double()
    v = v / torch.linalg.vector_norm(v)
    new_u = u.double()
    if training:
        new_u = data @ v
        new_u = new_u / torch.linalg.norm(new_u)
    sigma = torch.einsum("o,oi,i", new_u, W.double(), v)
    return (weight / sigma).to(weight.dtype), new_u.to(u.dtype)


def python_sums(weight, u, training=True):
    O = weight.shape[0]
    W = weight.reshape(O, -1)
    fixed = W.detach()
    v = sum(u[i] * fixed[i] for i in range(O))
    v = v / (v * v).sum() ** 0.5
    new = u.clone()
    if training:
        new = torch.stack([(fixed[i] * v).sum() for i in range(O)])
        new = new / (new * new).sum() ** 0.5
    sigma = sum(new[i] * (W[i] * v).sum() for i in range(O))
    return weight / sigma, new


def moves_in_evaluation(weight, u, training=True):
    W = weight.flatten(1)
    with torch.no_grad():
        v = F.normalize(W.T @ u, dim=0)
        u = F.normalize(W @ v, dim=0)
    return weight / (u @ W @ v), u


def training_reversed(weight, u, training=True):
    W = weight.flatten(1)
    with torch.no_grad():
        v = F.normalize(W.T @ u, dim=0)
        if not training:
            u = F.normalize(W @ v, dim=0)
    return weight / (u @ W @ v), u


def never_moves(weight, u, training=True):
    W = weight.flatten(1)
    with torch.no_grad():
        v = F.normalize(W.T @ u, dim=0)
    return weight / (u @ W @ v), u


def returns_the_old_one(weight, u, training=True):
    W = weight.flatten(1)
    with torch.no_grad():
        v = F.normalize(W.T @ u, dim=0)
        new_u = F.normalize(W @ v, dim=0) if training else u
    return weight / (new_u @ W @ v), u


def copies_into_u(weight, u, training=True):
    W = weight.flatten(1)
    with torch.no_grad():
        v = F.normalize(W.T @ u, dim=0)
        if training:
            u.copy_(F.normalize(W @ v, dim=0))
    return weight / (u @ W @ v), u


def divides_u_in_place(weight, u, training=True):
    W = weight.flatten(1)
    with torch.no_grad():
        v = W.T @ u
        v /= v.norm()
        if training:
            u[:] = W @ v
            u /= u.norm()
    return weight / (u @ W @ v), u


def no_no_grad(weight, u, training=True):
    W = weight.flatten(1)
    v = F.normalize(W.T @ u, dim=0)
    if training:
        u = F.normalize(W @ v, dim=0)
    return weight / (u @ W @ v), u


def u_not_detached_on_return(weight, u, training=True):
    W = weight.flatten(1)
    v = F.normalize(W.T @ u, dim=0)
    if training:
        u = F.normalize(W @ v, dim=0)
    sigma = u.detach() @ W @ v.detach()
    return weight / sigma, u


def sigma_under_no_grad(weight, u, training=True):
    W = weight.flatten(1)
    with torch.no_grad():
        v = F.normalize(W.T @ u, dim=0)
        if training:
            u = F.normalize(W @ v, dim=0)
        sigma = u @ W @ v
    return weight / sigma, u


def norm_of_the_first_product(weight, u, training=True):
    W = weight.flatten(1)
    v = (W.T @ u).detach()
    sigma = (W.T @ u).norm()
    v = v / v.norm()
    if training:
        u = F.normalize(W.detach() @ v, dim=0)
    return weight / sigma, u


def svd(weight, u, training=True):
    W = weight.flatten(1)
    with torch.no_grad():
        v = F.normalize(W.T @ u, dim=0)
        if training:
            u = F.normalize(W @ v, dim=0)
    return weight / torch.linalg.matrix_norm(W, 2), u


def frobenius(weight, u, training=True):
    W = weight.flatten(1)
    with torch.no_grad():
        v = F.normalize(W.T @ u, dim=0)
        if training:
            u = F.normalize(W @ v, dim=0)
    return weight / torch.norm(W), u


def times_sigma(weight, u, training=True):
    W = weight.flatten(1)
    with torch.no_grad():
        v = F.normalize(W.T @ u, dim=0)
        if training:
            u = F.normalize(W @ v, dim=0)
    return weight * (u @ W @ v), u


def at_most_one(weight, u, training=True):
    W = weight.flatten(1)
    with torch.no_grad():
        v = F.normalize(W.T @ u, dim=0)
        if training:
            u = F.normalize(W @ v, dim=0)
    sigma = u @ W @ v
    return weight / torch.clamp(sigma, min=1.0), u


def u_left_long(weight, u, training=True):
    W = weight.flatten(1)
    with torch.no_grad():
        v = F.normalize(W.T @ u, dim=0)
        if training:
            u = W @ v
    return weight / (u @ W @ v), u


def v_left_long(weight, u, training=True):
    W = weight.flatten(1)
    with torch.no_grad():
        v = W.T @ u
        if training:
            u = F.normalize(W @ v, dim=0)
    return weight / (u @ W @ v), u


def transposed(weight, u, training=True):
    W = weight.flatten(1).T
    with torch.no_grad():
        v = F.normalize(W.T @ u, dim=0)
        if training:
            u = F.normalize(W @ v, dim=0)
    return weight / (u @ W @ v), u


def sigma_in_place_of_u(weight, u, training=True):
    W = weight.flatten(1)
    with torch.no_grad():
        v = F.normalize(W.T @ u, dim=0)
        if training:
            u = F.normalize(W @ v, dim=0)
    sigma = u @ W @ v
    return weight / sigma, sigma


def v_in_place_of_u(weight, u, training=True):
    W = weight.flatten(1)
    with torch.no_grad():
        v = F.normalize(W.T @ u, dim=0)
        if training:
            u = F.normalize(W @ v, dim=0)
    return weight / (u @ W @ v), v


def last_dimension_kept(weight, u, training=True):
    W = weight.reshape(-1, weight.shape[-1])
    with torch.no_grad():
        v = F.normalize(W.T @ u, dim=0)
        if training:
            u = F.normalize(W @ v, dim=0)
    return weight / (u @ W @ v), u


def normalised_over_the_wrong_dimension(weight, u, training=True):
    W = weight.flatten(1)
    with torch.no_grad():
        v = F.normalize(W.T @ u)
        if training:
            u = F.normalize(W @ v)
    return weight / (u @ W @ v), u


def moves_in_evaluation_and_sigma_detached(weight, u, training=True):
    W = weight.detach().flatten(1)
    v = F.normalize(W.T @ u, dim=0)
    u = F.normalize(W @ v, dim=0)
    return weight / (u @ W @ v), u


def length_in_training(weight, u, training=True):
    W = torch.cat([row.reshape(1, -1) for row in weight])
    v = (W.T @ u).detach()
    Wv = W @ (v / v.norm())
    if not training:
        return weight / (u * Wv).sum(), u
    sigma = Wv.norm()
    return weight / sigma, (Wv / sigma).detach()


def view_and_transpose(weight, u, training=True):
    W = weight.reshape(-1, weight.shape[0]).t()
    with torch.no_grad():
        v = F.normalize(W.t() @ u, dim=0)
        if training:
            u = F.normalize(W @ v, dim=0)
    return weight / (u @ W @ v), u


def length_always(weight, u, training=True):
    W = weight.flatten(1)
    v = F.normalize(W.detach().T @ u, dim=0)
    Wv = W @ v
    sigma = Wv.norm()
    if training:
        u = (Wv / sigma).detach()
    return weight / sigma, u


def only_in_training(weight, u, training=True):
    if not training:
        return weight, u
    return textbook(weight, u)


def matrix_norm(weight, u, training=True):
    return weight / torch.linalg.matrix_norm(weight.flatten(1), ord=2), u


def three_steps(weight, u, training=True):
    W = weight.flatten(1)
    with torch.no_grad():
        for _ in range(3 if training else 1):
            v = F.normalize(W.t() @ u, dim=0)
            if training:
                u = F.normalize(W @ v, dim=0)
    return weight / (u @ W @ v), u


RIGHT = [textbook, detach_everywhere, linalg, python_sums, length_in_training]
WRONG = {
    moves_in_evaluation: "step_in_evaluation",
    training_reversed: "no_step step_in_evaluation",
    never_moves: "no_step",
    returns_the_old_one: "old_u_returned",
    copies_into_u: "in_place",
    divides_u_in_place: "in_place",
    no_no_grad: "through_u_and_v",
    u_not_detached_on_return: "u_with_graph",
    sigma_under_no_grad: "sigma_detached",
    norm_of_the_first_product: "sigma_of_the_old_u",
    svd: "exact",
    frobenius: "frobenius",
    times_sigma: "multiplied",
    at_most_one: "never_enlarged",
    u_left_long: "u_not_normalised",
    v_left_long: "v_not_normalised",
    transposed: "transposed",
    sigma_in_place_of_u: "sigma_returned",
    v_in_place_of_u: "v_returned",
    last_dimension_kept: "",
    normalised_over_the_wrong_dimension: "",
    moves_in_evaluation_and_sigma_detached: "step_in_evaluation sigma_detached",
    view_and_transpose: "read_in_rows",
    length_always: "length_in_evaluation",
    only_in_training: "evaluation_untouched",
    matrix_norm: "exact_without_u",
    three_steps: "",
}
