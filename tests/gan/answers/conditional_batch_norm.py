"""Answers to `conditional_batch_norm` as students give them, written from the lecture's text."""

import torch
import torch.nn.functional as F


def textbook(x, gain, bias, statistics=None, eps=1e-5):
    if statistics is None:
        mean = x.mean(dim=(0, 2, 3), keepdim=True)
        var = ((x - mean) ** 2).mean(dim=(0, 2, 3), keepdim=True)
    else:
        mean, var = statistics
        mean = mean[None, :, None, None]
        var = var[None, :, None, None]
    x_hat = (x - mean) / torch.sqrt(var + eps)
    return (1 + gain)[:, :, None, None] * x_hat + bias[:, :, None, None]


def library(x, gain, bias, statistics=None, eps=1e-5):
    if statistics is None:
        x = F.batch_norm(x, None, None, training=True, eps=eps)
    else:
        x = F.batch_norm(x, statistics[0], statistics[1], training=False, eps=eps)
    N, C = gain.shape
    return x * (1.0 + gain.view(N, C, 1, 1)) + bias.view(N, C, 1, 1)


def flattened(x, gain, bias, statistics=None, eps=1e-5):
    N, C, H, W = x.shape
    rows = x.transpose(0, 1).reshape(C, -1)
    if statistics is None:
        mean, var = rows.mean(1), rows.var(1, unbiased=False)
    else:
        mean, var = statistics
    rows = (rows - mean[:, None]) / (var[:, None] + eps) ** 0.5
    out = rows.reshape(C, N, H, W).transpose(0, 1)
    return out + out * gain[..., None, None] + bias[..., None, None]


def image_by_image(x, gain, bias, statistics=None, eps=1e-5):
    if statistics is None:
        var, mean = torch.var_mean(x, (0, 2, 3), unbiased=False)
    else:
        mean, var = statistics
    std = (var + eps).sqrt()
    out = []
    for image, g, b in zip(x, gain, bias):
        out.append(((image.permute(1, 2, 0) - mean) / std * (1 + g) + b).permute(2, 0, 1))
    return torch.stack(out)


def no_one(x, gain, bias, statistics=None, eps=1e-5):
    if statistics is None:
        x = F.batch_norm(x, None, None, training=True, eps=eps)
    else:
        x = F.batch_norm(x, *statistics, training=False, eps=eps)
    return x * gain[:, :, None, None] + bias[:, :, None, None]


def unbiased_variance(x, gain, bias, statistics=None, eps=1e-5):
    mean, var = (x.mean((0, 2, 3)), x.var((0, 2, 3))) if statistics is None else statistics
    x = (x - mean[:, None, None]) / torch.sqrt(var[:, None, None] + eps)
    return x * (1 + gain[:, :, None, None]) + bias[:, :, None, None]


def per_image(x, gain, bias, statistics=None, eps=1e-5):
    if statistics is None:
        mean = x.mean(dim=(2, 3), keepdim=True)
        var = x.var(dim=(2, 3), keepdim=True, unbiased=False)
    else:
        mean, var = (s[:, None, None] for s in statistics)
    x = (x - mean) / torch.sqrt(var + eps)
    return x * (1 + gain[:, :, None, None]) + bias[:, :, None, None]


def library_layer_norm(x, gain, bias, statistics=None, eps=1e-5):
    if statistics is None:
        x = F.layer_norm(x, x.shape[1:], eps=eps)
    else:
        mean, var = statistics
        x = (x - mean[:, None, None]) / torch.sqrt(var[:, None, None] + eps)
    return x * (1 + gain[:, :, None, None]) + bias[:, :, None, None]


def over_everything(x, gain, bias, statistics=None, eps=1e-5):
    if statistics is None:
        x = (x - x.mean()) / torch.sqrt(x.var(unbiased=False) + eps)
    else:
        mean, var = statistics
        x = (x - mean[:, None, None]) / torch.sqrt(var[:, None, None] + eps)
    return x * (1 + gain[:, :, None, None]) + bias[:, :, None, None]


def over_the_batch_only(x, gain, bias, statistics=None, eps=1e-5):
    if statistics is None:
        x = (x - x.mean(0)) / torch.sqrt(x.var(0, unbiased=False) + eps)
    else:
        mean, var = statistics
        x = (x - mean[:, None, None]) / torch.sqrt(var[:, None, None] + eps)
    return x * (1 + gain[:, :, None, None]) + bias[:, :, None, None]


def std_plus_eps(x, gain, bias, statistics=None, eps=1e-5):
    if statistics is None:
        mean, std = x.mean((0, 2, 3)), x.std((0, 2, 3), unbiased=False)
    else:
        mean, std = statistics[0], statistics[1].sqrt()
    x = (x - mean[:, None, None]) / (std[:, None, None] + eps)
    return x * (1 + gain[:, :, None, None]) + bias[:, :, None, None]


def without_eps(x, gain, bias, statistics=None, eps=1e-5):
    if statistics is None:
        mean, std = x.mean((0, 2, 3)), x.std((0, 2, 3), unbiased=False)
    else:
        mean, std = statistics[0], statistics[1].sqrt()
    x = (x - mean[:, None, None]) / std[:, None, None]
    return x * (1 + gain[:, :, None, None]) + bias[:, :, None, None]


def eps_not_handed_on(x, gain, bias, statistics=None, eps=1e-5):
    if statistics is None:
        x = F.batch_norm(x, None, None, training=True)
    else:
        x = F.batch_norm(x, *statistics)
    return x * (1 + gain[:, :, None, None]) + bias[:, :, None, None]


def always_training(x, gain, bias, statistics=None, eps=1e-5):
    mean = x.mean((0, 2, 3), keepdim=True)
    var = x.var((0, 2, 3), keepdim=True, unbiased=False)
    x = (x - mean) / torch.sqrt(var + eps)
    return x * (1 + gain[:, :, None, None]) + bias[:, :, None, None]


def mean_given_variance_computed(x, gain, bias, statistics=None, eps=1e-5):
    mean = x.mean((0, 2, 3)) if statistics is None else statistics[0]
    var = x.var((0, 2, 3), unbiased=False)
    x = (x - mean[:, None, None]) / torch.sqrt(var[:, None, None] + eps)
    return x * (1 + gain[:, :, None, None]) + bias[:, :, None, None]


def variance_not_rooted(x, gain, bias, statistics=None, eps=1e-5):
    if statistics is None:
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
    else:
        mean, var = statistics
    x = (x - mean[:, None, None]) / (var[:, None, None] + eps)
    return x * (1 + gain[:, :, None, None]) + bias[:, :, None, None]


def var_mean_mixed_up(x, gain, bias, statistics=None, eps=1e-5):
    if statistics is None:
        var, mean = torch.var_mean(x, dim=(0, 2, 3), unbiased=False)
    else:
        var, mean = statistics
    x = (x - mean[:, None, None]) / torch.sqrt(var[:, None, None] + eps)
    return x * (1 + gain[:, :, None, None]) + bias[:, :, None, None]


def statistics_under_no_grad(x, gain, bias, statistics=None, eps=1e-5):
    if statistics is None:
        with torch.no_grad():
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
    else:
        mean, var = statistics
    x = (x - mean[:, None, None]) / torch.sqrt(var[:, None, None] + eps)
    return x * (1 + gain[:, :, None, None]) + bias[:, :, None, None]


def bias_inside(x, gain, bias, statistics=None, eps=1e-5):
    if statistics is None:
        x = F.batch_norm(x, None, None, training=True, eps=eps)
    else:
        x = F.batch_norm(x, *statistics, training=False, eps=eps)
    return (x + bias[:, :, None, None]) * (1 + gain[:, :, None, None])


def gain_and_bias_mixed_up(x, gain, bias, statistics=None, eps=1e-5):
    if statistics is None:
        x = F.batch_norm(x, None, None, training=True, eps=eps)
    else:
        x = F.batch_norm(x, *statistics, training=False, eps=eps)
    return x * (1 + bias[:, :, None, None]) + gain[:, :, None, None]


def first_images_parameters(x, gain, bias, statistics=None, eps=1e-5):
    stats = (None, None) if statistics is None else statistics
    return F.batch_norm(x, *stats, 1 + gain[0], bias[0], training=statistics is None, eps=eps)


def gain_not_unsqueezed(x, gain, bias, statistics=None, eps=1e-5):
    stats = (None, None) if statistics is None else statistics
    x = F.batch_norm(x, *stats, training=statistics is None, eps=eps)
    return x * (1 + gain) + bias


def no_one_and_unbiased(x, gain, bias, statistics=None, eps=1e-5):
    mean, var = (x.mean((0, 2, 3)), x.var((0, 2, 3))) if statistics is None else statistics
    x = (x - mean[:, None, None]) / torch.sqrt(var[:, None, None] + eps)
    return x * gain[:, :, None, None] + bias[:, :, None, None]


def always_training_and_bias_inside(x, gain, bias, statistics=None, eps=1e-5):
    x = F.batch_norm(x, None, None, training=True, eps=eps)
    return (x + bias[:, :, None, None]) * (1 + gain[:, :, None, None])


def not_rooted_in_evaluation_and_per_image(x, gain, bias, statistics=None, eps=1e-5):
    if statistics is None:
        x = F.instance_norm(x, eps=eps)
    else:
        mean, var = statistics
        x = (x - mean[:, None, None]) / (var[:, None, None] + eps)
    return x * (1 + gain[:, :, None, None]) + bias[:, :, None, None]


def fused_in_float64(x, gain, bias, statistics=None, eps=1e-5):
    xd = x.double()
    mean = xd.mean((0, 2, 3)) if statistics is None else statistics[0].double()
    var = (xd * xd).mean((0, 2, 3)) - mean * mean if statistics is None else statistics[1].double()
    scale = (1 + gain) / torch.sqrt(var + eps)
    shift = bias - mean * scale
    return (xd * scale[:, :, None, None] + shift[:, :, None, None]).to(x.dtype)


def plain_mean_of_squares(x, gain, bias, statistics=None, eps=1e-5):
    if statistics is None:
        mean, var = x.mean((0, 2, 3)), (x**2).mean((0, 2, 3))
    else:
        mean, var = statistics
    x_hat = (x - mean[:, None, None]) / torch.sqrt(var[:, None, None] + eps)
    return (1 + gain[:, :, None, None]) * x_hat + bias[:, :, None, None]


def eps_only_for_the_batch(x, gain, bias, statistics=None, eps=1e-5):
    if statistics is None:
        mean, std = x.mean((0, 2, 3)), (x.var((0, 2, 3), unbiased=False) + eps).sqrt()
    else:
        mean, std = statistics[0], statistics[1].sqrt()
    x_hat = (x - mean[:, None, None]) / std[:, None, None]
    return (1 + gain[:, :, None, None]) * x_hat + bias[:, :, None, None]


def parenthesis_forgotten(x, gain, bias, statistics=None, eps=1e-5):
    mean, var = statistics or (x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False))
    x_hat = (x - mean[:, None, None]) / torch.sqrt(var[:, None, None] + eps)
    return 1 + gain[:, :, None, None] * x_hat + bias[:, :, None, None]


def running_statistics_mixed_in(x, gain, bias, statistics=None, eps=1e-5):
    mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
    if statistics is not None:
        mean, var = 0.9 * statistics[0] + 0.1 * mean, 0.9 * statistics[1] + 0.1 * var
    x_hat = (x - mean[:, None, None]) / torch.sqrt(var[:, None, None] + eps)
    return (1 + gain[:, :, None, None]) * x_hat + bias[:, :, None, None]


def batch_norm_left_in_training(x, gain, bias, statistics=None, eps=1e-5):
    mean, var = statistics or (None, None)
    x_hat = F.batch_norm(x, mean, var, training=True, eps=eps)
    return (1 + gain[:, :, None, None]) * x_hat + bias[:, :, None, None]


RIGHT = [textbook, library, flattened, image_by_image, fused_in_float64]
WRONG = {
    no_one: "one_missing",
    unbiased_variance: "unbiased",
    per_image: "instance_norm",
    library_layer_norm: "layer_norm",
    over_everything: "all_together",
    over_the_batch_only: "pixel_by_pixel",
    std_plus_eps: "eps_outside",
    without_eps: "eps_ignored",
    eps_not_handed_on: "eps_fixed",
    always_training: "statistics_ignored",
    mean_given_variance_computed: "own_variance",
    variance_not_rooted: "root_missing variance_for_deviation",
    var_mean_mixed_up: "statistics_exchanged",
    statistics_under_no_grad: "moments_detached",
    bias_inside: "bias_scaled",
    gain_and_bias_mixed_up: "exchanged",
    first_images_parameters: "one_gain_for_all",
    gain_not_unsqueezed: "",
    no_one_and_unbiased: "one_missing unbiased",
    always_training_and_bias_inside: "statistics_ignored bias_scaled",
    not_rooted_in_evaluation_and_per_image: "variance_for_deviation instance_norm",
    plain_mean_of_squares: "not_centred",
    eps_only_for_the_batch: "eps_in_training_alone",
    parenthesis_forgotten: "one_added_to_product",
    running_statistics_mixed_in: "",
    batch_norm_left_in_training: "statistics_ignored",
}
