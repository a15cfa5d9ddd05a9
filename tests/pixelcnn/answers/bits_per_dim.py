"""Answers to `bits_per_dim` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch


def as_written(log_prob, num_dims, step=1.0):
    log_p = log_prob + num_dims * math.log(step)
    return -log_p / (num_dims * math.log(2))


def per_dim_first(log_prob, num_dims, step=1.0):
    nats = -log_prob.double() / num_dims
    return nats * math.log2(math.e) - math.log2(step)


def tensors_everywhere(log_prob, num_dims, step=1.0):
    two = torch.tensor(2.0, dtype=log_prob.dtype)
    width = torch.full_like(log_prob, step)
    return (log_prob.neg() / num_dims - torch.log(width)) / torch.log(two)


def numpy_and_a_loop(log_prob, num_dims, step=1.0):
    flat = log_prob.numpy().reshape(-1)
    out = np.empty(flat.shape)
    for n, value in enumerate(flat):
        out[n] = -(float(value) / num_dims + np.log(step)) / np.log(2.0)
    return torch.tensor(out.reshape(tuple(log_prob.shape)), dtype=log_prob.dtype)


def two_cases(log_prob, num_dims, step=1.0):
    bits = -(log_prob / math.log(2))
    if step != 1:
        bits = bits + num_dims * math.log(1 / step, 2)
    return bits / num_dims


def minus_forgotten(log_prob, num_dims, step=1.0):
    return (log_prob + num_dims * math.log(step)) / (num_dims * math.log(2))


def nats_per_dim(log_prob, num_dims, step=1.0):
    return -(log_prob + num_dims * math.log(step)) / num_dims


def times_log_two(log_prob, num_dims, step=1.0):
    return -(log_prob + num_dims * math.log(step)) / num_dims * math.log(2)


def bits_per_image(log_prob, num_dims, step=1.0):
    return -(log_prob + num_dims * math.log(step)) / math.log(2)


def step_with_wrong_sign(log_prob, num_dims, step=1.0):
    return -(log_prob - num_dims * math.log(step)) / (num_dims * math.log(2))


def step_as_a_factor(log_prob, num_dims, step=1.0):
    return -log_prob * step / (num_dims * math.log(2))


def step_once(log_prob, num_dims, step=1.0):
    log_p = log_prob + math.log(step)
    return -log_p / (num_dims * math.log(2))


def step_ignored(log_prob, num_dims, step=1.0):
    return -log_prob / (num_dims * math.log(2))


def always_256_values(log_prob, num_dims, step=1.0):
    bits = -log_prob / (num_dims * math.log(2))
    if step != 1.0:
        bits = bits + math.log2(256)
    return bits


def step_in_nats(log_prob, num_dims, step=1.0):
    return -log_prob / num_dims / math.log(2) - math.log(step)


def step_in_bits_twice(log_prob, num_dims, step=1.0):
    return -(log_prob / num_dims + math.log2(step)) / math.log(2)


def mean_of_all(log_prob, num_dims, step=1.0):
    log_p = log_prob + num_dims * math.log(step)
    return (-log_p / (num_dims * math.log(2))).mean()


def dims_counted_from_log_prob(log_prob, num_dims, step=1.0):
    num_dims = log_prob.numel()
    return -(log_prob + num_dims * math.log(step)) / (num_dims * math.log(2))


def absolute_value(log_prob, num_dims, step=1.0):
    log_p = log_prob + num_dims * math.log(step)
    return log_p.abs() / (num_dims * math.log(2))


def never_below_zero(log_prob, num_dims, step=1.0):
    bits = -(log_prob / num_dims + math.log(step)) / math.log(2)
    return torch.clamp(bits, min=0)


def in_place(log_prob, num_dims, step=1.0):
    log_prob += num_dims * math.log(step)
    log_prob /= -num_dims * math.log(2)
    return log_prob


def minus_only_before_log_prob(log_prob, num_dims, step=1.0):
    bits = -log_prob / (num_dims * math.log(2))
    return bits + math.log2(step)


def power_of_step(log_prob, num_dims, step=1.0):
    p = torch.exp(log_prob) * step**num_dims
    return -torch.log2(p) / num_dims


def nats_and_step_ignored(log_prob, num_dims, step=1.0):
    return -log_prob / num_dims


def minus_forgotten_and_step_once(log_prob, num_dims, step=1.0):
    return (log_prob + math.log(step)) / num_dims / math.log(2)


RIGHT = [as_written, per_dim_first, tensors_everywhere, numpy_and_a_loop, two_cases]
WRONG = {
    minus_forgotten: "sign_lost",
    nats_per_dim: "in_nats",
    times_log_two: "multiplied_by_log_2",
    bits_per_image: "bits_per_image",
    step_with_wrong_sign: "divided_by_step",
    step_as_a_factor: "log_prob_times_step",
    step_once: "step_once",
    step_ignored: "step_ignored",
    always_256_values: "eight_added_for_densities",
    step_in_nats: "step_in_nats",
    step_in_bits_twice: "step_converted_twice",
    mean_of_all: "mean_of_images",
    dims_counted_from_log_prob: "images_for_dims",
    absolute_value: "",
    never_below_zero: "",
    in_place: "",
    minus_only_before_log_prob: "divided_by_step",
    power_of_step: "by_way_of_the_probability",
    nats_and_step_ignored: "in_nats step_ignored",
    minus_forgotten_and_step_once: "sign_lost step_once",
}
