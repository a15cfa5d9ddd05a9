"""Half precision: coordinates and sums are computed in float32 at least, in every function."""

import math
from functools import partial
from types import FunctionType

import pytest
import torch
from torch import Tensor, nn

from cvgen_course import autoencoders, cyclegan, detection, evaluation, gan, pixelcnn, segmentation
from cvgen_course.detection import Detections, Target, Targets
from cvgen_course.precision import at_least_float32

torch.set_num_threads(1)
HALF = (torch.float16, torch.bfloat16)
H, W = 600, 900


def random(*shape, scale=1.0):
    return torch.randn(*shape, dtype=torch.float64) * scale


def boxes(*shape):
    """Return boxes of 16 to 300 pixels in an image of 600 × 900."""
    corner = torch.rand(*shape, 2, dtype=torch.float64) * torch.tensor([W - 300, H - 300])
    size = 16 + torch.rand(*shape, 2, dtype=torch.float64) * 284
    return torch.cat([corner, corner + size], dim=-1)


def scores(*shape):
    return torch.rand(*shape, dtype=torch.float64)


def labels(low, high, *shape):
    return torch.randint(low, high, shape)


def masks(num):
    return torch.rand(num, H // 4, W // 4) > 0.5


def detected(boxes, scores, labels):
    return [Detections(boxes, scores, labels)], [Target(boxes[:10], labels[:10])]


def measured(boxes, scores, labels):
    return detection.detection_metrics(*detected(boxes, scores, labels), 4)


def selected(boxes, scores):
    return detection.select_detections(boxes, scores, (H, W), min_score=0.5)


def assigned(anchors, boxes, labels):
    return detection.assign_objects(anchors, Targets(boxes, labels), 0.3, 0.6)


def flipped(images, boxes, labels):
    rng = torch.Generator().manual_seed(1)
    return detection.flip_and_turn_objects((images, Targets(boxes, labels)), rng)


def turned(images, masks):
    return segmentation.flip_and_turn((images, masks), torch.Generator().manual_seed(1))


def unpooled(x, indices):
    return segmentation.max_unpool(x, indices, (64, 64))


def identity(x):
    return x


def beside(x):
    return x[:, :2] + x[:, 2:]


def forward(x):
    return segmentation.unet_forward(
        x, [identity], identity, [nn.Upsample(scale_factor=2)], [beside], identity
    )


def padded(boxes, labels):
    return detection.pad_targets([Target(boxes, labels)])


def far_apart(number):
    """Return rows near the eight corners of a cube: no row is nearly as near to two of them."""
    corners = 2.0 * (torch.arange(number)[:, None] // torch.tensor([1, 2, 4]) % 2) - 1
    return corners.double() + 0.1 * torch.rand(number, 3, dtype=torch.float64)


def restarted(cluster_size, code_sum, rows):
    state = autoencoders.EMACodebook(cluster_size, code_sum, code_sum)
    rng = torch.Generator().manual_seed(1)
    return tuple(autoencoders.restart_dead_codes(state, rows, 0.5, rng))


def gated(v, h, condition):
    """Do a step in both stacks; the layers are the simplest of the right shapes."""

    def vertical(v):
        return pixelcnn.Vertical(twice(v), twice(v).roll(1, dims=2))

    return pixelcnn.gated_block(v, h, vertical, identity, twice, identity, condition)


def twice(x):
    return torch.cat([x, x], dim=1)


def penalised(real, fake):
    """Return the penalty of a line, whose slopes have squares that overflow in float16."""
    slopes = 256 * (torch.arange(28 * 28) % 7).view(28, 28)
    rng = torch.Generator().manual_seed(1)
    return gan.gradient_penalty(lambda x: (slopes * x).sum(dim=(1, 2, 3)), real, fake, rng)


def regularised(real):
    return gan.r1_penalty(lambda x: x.square().sum(dim=(1, 2, 3)), real)


def dirac(theta, psi):
    return gan.dirac_gradients(theta, psi, r1=0.5)


def classified(*shape):
    return random(*shape).softmax(dim=-1)


def covariance(num):
    factor = random(num, num, scale=30)
    return factor @ factor.T


def drawn(function):
    """Return a function that draws random numbers, always the same ones."""
    return lambda *arguments: function(*arguments, rng=torch.Generator().manual_seed(1))


def merged(one, other):
    return evaluation.merge_moments(evaluation.moments(one), evaluation.moments(other))


def streamed(features):
    return evaluation.streaming_statistics(features.split(100))


def extrapolated(one, other, rng):
    statistics = evaluation.feature_statistics(one)
    return evaluation.extrapolated_frechet_distance(statistics, other, (100, 200, 400), rng)


def bootstrapped(one, other, rng):
    return evaluation.bootstrap_error(apart, one, other, rng=rng)


def estimated_manifold(real, fake):
    return tuple(evaluation.estimate_manifold(real, fake).values())


def averaged(images):
    return evaluation.extract_features(lambda x: x.mean(dim=(2, 3)), images, batch_size=3)


def path_lengths(starts, ends, t):
    def generate(z):
        return z[..., None, None].square()

    return evaluation.path_lengths(generate, lambda x: x[..., 0, 0], starts, ends, t)


def apart(one, other):
    statistics = (evaluation.feature_statistics(features) for features in (one, other))
    return evaluation.frechet_distance(*statistics)


def halved(x):
    return x / 2


def there_and_back(loss):
    return lambda a, b: loss(halved, negative, a, b)


def negative(x):
    return -x


def translated(a, b):
    """Return what two simple generators pay, for logits whose squares overflow in float16."""
    generators = halved, negative
    return tuple(cyclegan.generators_loss(generators, (dazzled, dazzled), a, b).parts.values())


def dazzled(x):
    return 1024 * x[:, :1, ::4, ::4]


def queried(kept, images):
    """Return what comes back of a full pool, and what stays in it."""
    torch.manual_seed(1)
    pool = list(kept)
    return cyclegan.query_pool(pool, images, len(pool)), *pool


def seen(image):
    return cyclegan.seen_pixels(lambda x: x[:, :1, ::2, ::2] + x[:, :1, 1::2, ::2], image, 3, 5)


def residual(x, *parameters):
    return cyclegan.residual_block(x, parameters[:2], parameters[2:])


IMAGES = (4, 1, 28, 28)
MAP = (2, 8, 75, 113)  # of an image of 600 × 900, at stride 8
PIXELS = (2, 4, 256, 256)
roi_align = partial(detection.roi_align, output_size=7, spatial_scale=1 / 8)
roi_pool = partial(detection.roi_pool, output_size=7, spatial_scale=1 / 8)
CASES = {
    "assign_objects": (assigned, lambda: (boxes(500), boxes(2, 5), labels(1, 4, 2, 5))),
    "average_precision": (
        detection.average_precision,
        lambda: (scores(3000), torch.rand(3000) > 0.4, 3000),
    ),
    "batched_nms": (
        detection.batched_nms,
        lambda: (boxes(300), scores(300), labels(1, 4, 300), 0.5),
    ),
    "box_area": (detection.box_area, lambda: (boxes(100),)),
    "box_iou": (detection.box_iou, lambda: (boxes(100), boxes(50))),
    "clip_boxes": (detection.clip_boxes, lambda: (boxes(100) * 2 - 100, H + 1, W + 1)),
    "crop_masks": (detection.crop_masks, lambda: (masks(3), boxes(20) / 4, labels(0, 3, 20), 14)),
    "cxcywh_to_xyxy": (detection.cxcywh_to_xyxy, lambda: (boxes(100),)),
    "decode_boxes": (detection.decode_boxes, lambda: (random(100, 4), boxes(100), (10, 10, 5, 5))),
    "decode_yolo": (detection.decode_yolo, lambda: (random(2, 13, 19, 29), 2, (H, W))),
    "detection_metrics": (measured, lambda: (boxes(50), scores(50), labels(1, 4, 50))),
    "encode_boxes": (detection.encode_boxes, lambda: (boxes(100), boxes(100), (10, 10, 5, 5))),
    "flip_and_turn_objects": (
        flipped,
        lambda: (random(2, 3, 64, 64), boxes(2, 5) / 16, labels(1, 4, 2, 5)),
    ),
    "focal_loss": (
        detection.focal_loss,
        lambda: (random(2, 30_000, 4, scale=3), labels(-1, 5, 2, 30_000)),
    ),
    "focal_loss_per_item": (
        detection.focal_loss_per_item,
        lambda: (random(2000, scale=5), labels(0, 2, 2000).double()),
    ),
    "generalized_box_iou": (detection.generalized_box_iou, lambda: (boxes(100), boxes(50))),
    "hard_negative_mining": (
        detection.hard_negative_mining,
        lambda: (scores(2, 3000), torch.rand(2, 3000) > 0.9),
    ),
    "mask_loss": (
        detection.mask_loss,
        lambda: (random(100, 4, 28, 28, scale=9), labels(1, 5, 100), scores(100, 28, 28)),
    ),
    "match_anchors": (detection.match_anchors, lambda: (scores(1000, 8), 0.3, 0.7)),
    "match_detections": (
        detection.match_detections,
        lambda: (scores(100, 40), scores(100), 0.5),
    ),
    "nms": (detection.nms, lambda: (boxes(300), scores(300), 0.5)),
    "pad_targets": (padded, lambda: (boxes(5), labels(1, 4, 5))),
    "paste_masks": (detection.paste_masks, lambda: (scores(5, 28, 28), boxes(5), H, W)),
    "precision_recall": (
        detection.precision_recall,
        lambda: (scores(3000), torch.rand(3000) > 0.4, 3000),
    ),
    "roi_align": (roi_align, lambda: (random(*MAP), boxes(20), labels(0, 2, 20))),
    "roi_pool": (roi_pool, lambda: (random(*MAP), boxes(20), labels(0, 2, 20))),
    "rpn_loss": (
        detection.rpn_loss,
        lambda: (
            *(random(2, 30_000), random(2, 30_000, 4, scale=5)),
            *(labels(-1, 2, 2, 30_000), random(2, 30_000, 4, scale=5)),
        ),
    ),
    "select_detections": (selected, lambda: (boxes(2, 300), scores(2, 300, 3))),
    "xywh_to_xyxy": (detection.xywh_to_xyxy, lambda: (boxes(100),)),
    "xyxy_to_cxcywh": (detection.xyxy_to_cxcywh, lambda: (boxes(100),)),
    "xyxy_to_xywh": (detection.xyxy_to_xywh, lambda: (boxes(100),)),
    "bernoulli_log_prob_per_item": (
        autoencoders.bernoulli_log_prob_per_item,
        lambda: (2.0 * labels(0, 2, *IMAGES).double() - 1, random(*IMAGES, scale=5)),
    ),
    "elbo": (
        autoencoders.elbo,
        lambda: (random(*IMAGES), random(*IMAGES), 0.25, random(4, 16), random(4, 16)),
    ),
    "ema_update": (
        autoencoders.ema_update,
        lambda: (scores(8) * 900, random(8, 16, scale=300), random(5000, 16), labels(0, 8, 5000)),
    ),
    "from_rows": (autoencoders.from_rows, lambda: (random(98, 16), 7, 7)),
    "gaussian_kl_per_dim": (
        autoencoders.gaussian_kl_per_dim,
        lambda: (random(4, 16, scale=300), random(4, 16, scale=5)),
    ),
    "gaussian_kl_per_item": (
        autoencoders.gaussian_kl_per_item,
        lambda: (random(4, 16, scale=300), random(4, 16, scale=5)),
    ),
    "gaussian_log_prob_per_item": (
        autoencoders.gaussian_log_prob_per_item,
        lambda: (random(*IMAGES), random(*IMAGES), 0.25),
    ),
    "importance_weighted_bound": (
        autoencoders.importance_weighted_bound,
        lambda: (random(50, 4, scale=900),),
    ),
    "look_up": (autoencoders.look_up, lambda: (labels(0, 8, 2, 7, 7), random(8, 16))),
    "nearest_codes": (autoencoders.nearest_codes, lambda: (far_apart(500), far_apart(8))),
    "pca": (autoencoders.pca, lambda: (random(500, 6) * 2.0 ** torch.arange(6), 3)),
    "perplexity": (autoencoders.perplexity, lambda: ([labels(0, 8, 90)], 8)),
    "quantize": (autoencoders.quantize, lambda: (far_apart(500), far_apart(8))),
    "reparametrize": (
        autoencoders.reparametrize,
        lambda: (random(4, 16), random(4, 16, scale=9), random(4, 16)),
    ),
    "restart_dead_codes": (restarted, lambda: (scores(8), random(8, 16), random(20, 16))),
    "slerp": (autoencoders.slerp, lambda: (random(4, 16), random(4, 16), 0.25)),
    "straight_through": (
        autoencoders.straight_through,
        lambda: (random(9, 16), random(9, 16)),
    ),
    "to_rows": (autoencoders.to_rows, lambda: (random(2, 16, 7, 7),)),
    "vq_losses": (
        autoencoders.vq_losses,
        lambda: (
            *(random(*IMAGES, scale=300), random(*IMAGES, scale=300)),
            *(random(900, 16, scale=300), random(900, 16, scale=300)),
        ),
    ),
    "bootstrap_error": (drawn(bootstrapped), lambda: (random(500, 6), random(400, 6))),
    "estimate_frechet_distance": (
        drawn(evaluation.estimate_frechet_distance),
        lambda: (random(500, 6, scale=300), random(400, 6)),
    ),
    "estimate_inception_score": (
        drawn(evaluation.estimate_inception_score),
        lambda: (classified(500, 10), 5),
    ),
    "estimate_kernel_distance": (
        drawn(evaluation.estimate_kernel_distance),
        lambda: (random(500, 6, scale=30), random(400, 6)),
    ),
    "estimate_manifold": (estimated_manifold, lambda: (random(500, 6), random(400, 6))),
    "extract_features": (averaged, lambda: (random(*IMAGES),)),
    "extrapolated_frechet_distance": (
        drawn(extrapolated),
        lambda: (random(500, 6, scale=300), random(400, 6)),
    ),
    "feature_statistics": (evaluation.feature_statistics, lambda: (random(500, 6, scale=300),)),
    "frechet_distance": (apart, lambda: (random(500, 6, scale=300), random(400, 6))),
    "inception_score": (evaluation.inception_score, lambda: (classified(500, 10),)),
    "kernel_distance": (
        evaluation.kernel_distance,
        lambda: (random(500, 6, scale=30), random(400, 6)),
    ),
    "kl_divergence": (evaluation.kl_divergence, lambda: (classified(500, 99), classified(99))),
    "manifold": (evaluation.manifold, lambda: (random(500, 6, scale=300), random(400, 6))),
    "manifold_per_item": (evaluation.manifold_per_item, lambda: (random(500, 6), random(400, 6))),
    "mean_with_error": (evaluation.mean_with_error, lambda: (random(5000, scale=300),)),
    "merge_moments": (merged, lambda: (random(500, 6, scale=300), random(400, 6))),
    "moments": (evaluation.moments, lambda: (random(500, 6, scale=300),)),
    "nearest_radii": (evaluation.nearest_radii, lambda: (random(500, 6, scale=300), 3)),
    "path_lengths": (path_lengths, lambda: (random(50, 6), random(50, 6), scores(50))),
    "polynomial_kernel": (
        evaluation.polynomial_kernel,
        lambda: (random(50, 60, scale=30), random(40, 60, scale=30)),
    ),
    "resize": (evaluation.resize, lambda: (2 * scores(*IMAGES) - 1, 14, 20)),
    "root_trace": (evaluation.root_trace, lambda: (covariance(6), covariance(6))),
    "streaming_statistics": (streamed, lambda: (random(500, 6, scale=300),)),
    "cycle_loss": (
        there_and_back(cyclegan.cycle_loss),
        lambda: (random(4, 3, 64, 64), random(5, 3, 64, 64)),
    ),
    "generators_loss": (translated, lambda: (random(4, 3, 64, 64), random(5, 3, 64, 64))),
    "identity_loss": (
        there_and_back(cyclegan.identity_loss),
        lambda: (random(4, 3, 64, 64), random(5, 3, 64, 64)),
    ),
    "psnr_per_item": (
        cyclegan.psnr_per_item,
        lambda: (random(*IMAGES), random(*IMAGES), scores(*IMAGES)),
    ),
    "query_pool": (queried, lambda: (random(*IMAGES), random(*IMAGES))),
    "residual_block": (
        residual,
        lambda: (random(2, 4, 30, 40), *(random(4, 4, 3, 3) for _ in "ab"), random(4), random(4)),
    ),
    "seen_pixels": (seen, lambda: (random(1, 3, 20, 20),)),
    "ssim_per_item": (
        cyclegan.ssim_per_item,
        lambda: (random(*IMAGES), random(*IMAGES), scores(*IMAGES)),
    ),
    "conditional_batch_norm": (
        gan.conditional_batch_norm,
        lambda: (random(4, 8, 30, 40, scale=300), random(4, 8), random(4, 8)),
    ),
    "critic_generator_loss": (gan.critic_generator_loss, lambda: (random(5000, scale=300),)),
    "dirac_gradients": (dirac, lambda: (random(500), random(500))),
    "discriminator_loss": (
        gan.discriminator_loss,
        lambda: (random(5000, scale=30), random(4000, scale=30)),
    ),
    "game_value": (gan.game_value, lambda: (random(5000, scale=30), random(4000, scale=30))),
    "gradient_penalty": (penalised, lambda: (random(*IMAGES), random(*IMAGES))),
    "hinge_discriminator_loss": (
        gan.hinge_discriminator_loss,
        lambda: (random(5000, scale=300), random(4000, scale=300)),
    ),
    "least_squares_discriminator_loss": (
        gan.least_squares_discriminator_loss,
        lambda: (random(5000, scale=300), random(4000, scale=300)),
    ),
    "least_squares_generator_loss": (
        gan.least_squares_generator_loss,
        lambda: (random(5000, scale=300),),
    ),
    "modes_covered": (gan.modes_covered, lambda: (gan.ring_samples(500).double(),)),
    "non_saturating_loss": (gan.non_saturating_loss, lambda: (random(5000, scale=30),)),
    "optimal_discriminator": (gan.optimal_discriminator, lambda: (scores(500), scores(500))),
    "optimal_value": (gan.optimal_value, lambda: (scores(5000), scores(5000), 0.1)),
    "r1_penalty": (regularised, lambda: (random(*IMAGES, scale=300),)),
    "saturating_loss": (gan.saturating_loss, lambda: (random(5000, scale=30),)),
    "spectral_norm": (gan.spectral_norm, lambda: (random(64, 32, 3, 3), random(64))),
    "wasserstein_critic_loss": (
        gan.wasserstein_critic_loss,
        lambda: (random(5000, scale=300), random(4000, scale=300)),
    ),
    "at_temperature": (pixelcnn.at_temperature, lambda: (random(50, 256, scale=30), 0.1)),
    "gate": (pixelcnn.gate, lambda: (random(2, 8, 30, 40), random(2, 8))),
    "gated_block": (gated, lambda: (random(2, 4, 30, 40), random(2, 4, 30, 40), random(2, 8))),
    "log_prob_per_item": (
        pixelcnn.log_prob_per_item,
        lambda: (random(2, 16, 3, 64, 64, scale=30), labels(0, 16, 2, 3, 64, 64)),
    ),
    "masked_conv2d": (
        pixelcnn.masked_conv2d,
        lambda: (random(1, 16, 30, 40), random(4, 16, 3, 3), scores(4, 16, 3, 3).round()),
    ),
    "to_levels": (pixelcnn.to_levels, lambda: (2 * scores(*IMAGES) - 1, 256)),
    "vertical_conv2d": (
        pixelcnn.vertical_conv2d,
        lambda: (random(1, 16, 30, 40), random(4, 16, 2, 3), random(4)),
    ),
    "bed_of_nails": (segmentation.bed_of_nails, lambda: (random(1, 2, 30, 40), 3)),
    "bilinear": (segmentation.bilinear, lambda: (random(1, 2, 100, 300), 8)),
    "conv_transpose2d": (
        segmentation.conv_transpose2d,
        lambda: (random(1, 16, 30, 40), random(16, 4, 4, 4), random(4), 2, 1),
    ),
    "cross_entropy_dice_loss": (
        segmentation.cross_entropy_dice_loss,
        lambda: (random(*PIXELS), labels(0, 4, 2, 256, 256), 3),
    ),
    "dice_loss": (
        segmentation.dice_loss,
        lambda: (random(*PIXELS), labels(0, 4, 2, 256, 256), 3),
    ),
    "flip_and_turn": (turned, lambda: (random(2, 3, 64, 64), labels(0, 4, 2, 64, 64))),
    "fuse_skips": (
        segmentation.fuse_skips,
        lambda: (random(1, 4, 15, 20), random(1, 4, 30, 40), random(1, 4, 61, 80)),
    ),
    "iou_per_class": (segmentation.iou_per_class, lambda: (scores(4, 4) * 60_000,)),
    "max_unpool": (unpooled, lambda: (random(1, 2, 32, 32), labels(0, 4096, 1, 2, 32, 32))),
    "mean_iou": (segmentation.mean_iou, lambda: (scores(4, 4) * 60_000,)),
    "nearest": (segmentation.nearest, lambda: (random(1, 2, 30, 40), 3)),
    "pixel_accuracy": (segmentation.pixel_accuracy, lambda: (scores(4, 4) * 60_000,)),
    "pixel_cross_entropy": (
        segmentation.pixel_cross_entropy,
        lambda: (random(*PIXELS, scale=9), labels(0, 4, 2, 256, 256), 3),
    ),
    "unet_down": (segmentation.unet_down, lambda: (random(1, 2, 31, 40), identity)),
    "unet_forward": (forward, lambda: (random(1, 2, 32, 40),)),
    "unet_up": (
        segmentation.unet_up,
        lambda: (random(1, 2, 15, 20), random(1, 2, 31, 40), nn.Upsample(scale_factor=2), identity),
    ),
    "upsample_and_add": (
        segmentation.upsample_and_add,
        lambda: (random(1, 4, 30, 40), random(1, 4, 61, 80)),
    ),
}
WITHOUT_FLOATS = {
    *("grid_anchors", "pyramid_anchors", "bilinear_kernel"),  # numbers in, float32 out
    *("causal_mask", "from_levels"),  # and so here
    *("dirac_path", "pushforward_density", "ring_centres", "ring_samples", "truncated_normal"),
    *("mask_iou", "sample_balanced", "confusion_matrix", "every_image"),  # bool and integer
    *("conv_block", "deconv_block", "predict", "sample", "complete", "sample_by_codes"),  # modules
    *("alternating_step", "spectrally_normalised", "standing_statistics"),  # and gan.ema_update
    *("in_batches", "load_inception"),
    *("generator_step", "discriminator_step", "make_patchgan"),  # modules
    *("linear_decay", "receptive_field"),  # plain numbers
}
LAYERS = {"conv_transpose2d", "masked_conv2d", "vertical_conv2d", "spectral_norm"}
LAYERS |= {"residual_block"}


def converted(value, dtype):
    """Return arguments with floating-point tensors in another dtype."""
    if isinstance(value, Tensor):
        return value.to(dtype) if value.is_floating_point() else value
    return value


def tensors(result):
    """Return all tensors and numbers of a result, in order."""
    if isinstance(result, Tensor):
        return [result]
    if isinstance(result, int | float):
        return [torch.tensor(result, dtype=torch.float64)]
    return [tensor for part in result or () for tensor in tensors(part)]


def assert_right(got, expected):
    """Demand what the dtype of the result can hold, next to the largest number there."""
    assert len(got) == len(expected) > 0
    for mine, right in zip(got, expected, strict=True):
        if not right.is_floating_point():
            assert torch.equal(mine, right)
            continue
        tolerance = max(torch.finfo(mine.dtype).eps, 1e-5)
        largest = right.abs().nan_to_num().max().item() if right.numel() else 0.0
        torch.testing.assert_close(
            mine.double(),
            right.double(),
            rtol=tolerance,
            atol=tolerance * largest,
            equal_nan=True,
        )


def test_at_least_float32_changes_half_precision_alone():
    for dtype in (torch.float16, torch.bfloat16):
        assert at_least_float32(torch.ones(2, dtype=dtype)).dtype == torch.float32
    for dtype in (torch.float32, torch.float64, torch.int16, torch.bool, torch.uint8):
        x = torch.ones(2, dtype=dtype)
        assert at_least_float32(x) is x


def test_at_least_float32_gives_gradients_back_in_half_precision():
    x = torch.ones(2, dtype=torch.float16, requires_grad=True)
    at_least_float32(x).sum().backward()
    assert torch.equal(x.grad, torch.ones(2, dtype=torch.float16))


def test_every_public_function_has_a_case():
    functions = {
        name
        for chapter in (autoencoders, cyclegan, detection, evaluation, gan, pixelcnn, segmentation)
        for name in chapter.__all__
        if isinstance(getattr(chapter, name), FunctionType)
    }
    assert set(CASES) | WITHOUT_FLOATS == functions
    assert not set(CASES) & WITHOUT_FLOATS


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("name", CASES)
def test_half_precision_gives_what_double_precision_gives(name, dtype):
    torch.manual_seed(0)
    function, make = CASES[name]
    arguments = [converted(argument, dtype) for argument in make()]
    expected = function(*(converted(argument, torch.float64) for argument in arguments))
    assert_right(tensors(function(*arguments)), tensors(expected))


@pytest.mark.parametrize("name", sorted(set(CASES) - LAYERS))
def test_autocast_rounds_nothing_but_layers(name):
    torch.manual_seed(0)
    function, make = CASES[name]
    arguments = [converted(argument, torch.float32) for argument in make()]
    expected = function(*(converted(argument, torch.float64) for argument in arguments))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = tensors(function(*arguments))
    assert_right(got, tensors(expected))
    assert all(each.dtype not in HALF for each in got)


@pytest.mark.parametrize("dtype", HALF)
def test_boxes_of_300_pixels_overlap(dtype):
    pair = torch.tensor([[0, 0, 300, 300], [0, 0, 300, 298]], dtype=dtype)
    right = torch.tensor([[1, 298 / 300], [298 / 300, 1]])
    torch.testing.assert_close(detection.box_iou(pair, pair), right)
    torch.testing.assert_close(detection.generalized_box_iou(pair, pair), right)
    torch.testing.assert_close(detection.box_area(pair), torch.tensor([90_000.0, 89_400.0]))
    scores = torch.tensor([0.5, 0.75], dtype=dtype)
    assert detection.nms(pair, scores, 0.5).tolist() == [1]
    assert detection.batched_nms(pair, scores, torch.tensor([1, 1]), 0.5).tolist() == [1]


def test_boxes_up_to_1e18_pixels_overlap_and_larger_ones_are_refused():
    pair = torch.tensor([[0, 0, 1e18, 1e18], [0, 0, 1e18, 0.5e18]])
    torch.testing.assert_close(detection.box_iou(pair, pair)[0], torch.tensor([1, 0.5]))
    torch.testing.assert_close(detection.generalized_box_iou(pair, pair)[0], torch.tensor([1, 0.5]))
    with pytest.raises(ValueError, match=r"boxes: expected finite areas, got .*e\+20\] as box 1"):
        detection.nms(torch.tensor([[0, 0, 5, 5], [0, 0, 1e20, 1e20]]), torch.ones(2), 0.5)


@pytest.mark.parametrize("dtype", HALF)
def test_a_ramp_of_300_pixels_stays_a_ramp(dtype):
    x = torch.arange(300, dtype=torch.float64) / 299
    large = segmentation.bilinear(x.to(dtype).expand(1, 1, 300, 300), 8)
    right = ((torch.arange(2400, dtype=torch.float64) + 0.5) / 8 - 0.5).clamp(0, 299) / 299
    assert large.dtype == dtype
    assert (large[0, 0].double() - right).abs().max() < torch.finfo(dtype).eps


@pytest.mark.parametrize("dtype", HALF)
def test_a_mask_far_to_the_right_is_pasted_to_the_pixel(dtype):
    box = torch.tensor([[1024, 8, 1280, 16]], dtype=dtype)
    expected = torch.zeros(1, 20, 1400, dtype=torch.bool)
    expected[:, 8:16, 1024:1280] = True
    pasted = detection.paste_masks(torch.ones(1, 28, 28, dtype=dtype), box, 20, 1400)
    assert torch.equal(pasted, expected)


@pytest.mark.parametrize("dtype", HALF)
def test_yolos_boxes_are_right_to_the_pixel(dtype):
    boxes, _ = detection.decode_yolo(torch.zeros(1, 6, 1, 150, dtype=dtype), 1, (8, 1200))
    centre = torch.arange(150) * 8.0 + 4
    right = torch.stack(
        [centre - 150, torch.full((150,), 3.0), centre + 150, torch.full((150,), 5.0)]
    )
    torch.testing.assert_close(boxes[0], right.T)


@pytest.mark.parametrize("dtype", HALF)
def test_losses_of_many_pixels_are_finite(dtype):
    logits = torch.full((100, 1, 28, 28), -20.0, dtype=dtype)
    ones = torch.ones(100, dtype=torch.int64)
    loss = detection.mask_loss(logits, ones, torch.ones(100, 28, 28, dtype=dtype))
    torch.testing.assert_close(loss, torch.tensor(20.0))
    logits = torch.zeros(2, 4, 256, 256, dtype=dtype, requires_grad=True)
    loss = segmentation.cross_entropy_dice_loss(logits, torch.zeros(2, 256, 256, dtype=torch.int64))
    n = 2 * 256 * 256
    dice = ((2 * n / 4 + 1) / (n / 4 + n + 1) + 3 / (n / 4 + 1)) / 4
    torch.testing.assert_close(loss.item(), math.log(4) + 1 - dice, rtol=1e-5, atol=0)
    loss.backward()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("dtype", HALF)
def test_losses_of_many_anchors_are_finite(dtype):
    logits = torch.full((2, 20_000, 4), 5.0, dtype=dtype)
    nothing = torch.zeros(2, 20_000, dtype=torch.int64)
    one = detection.focal_loss_per_item(torch.tensor(5.0), torch.tensor(0.0))
    torch.testing.assert_close(detection.focal_loss(logits, nothing), 160_000 * one)
    _, regression = detection.rpn_loss(logits[..., 0], logits, nothing + 1, logits * 0, beta=1)
    torch.testing.assert_close(regression, torch.tensor(4 * 4.5))
