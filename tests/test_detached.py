"""An answer that is right in value, but through which nothing is learned, earns half at most."""

from __future__ import annotations

import pytest
from support.exercises import SEEDS, all_exercises, graded
from support.mutants import rebuilt

EXERCISES = all_exercises()
DIFFERENTIABLE = (
    *("segmentation.dice_loss", "segmentation.max_unpool", "segmentation.conv_transpose2d"),
    *("segmentation.fuse_skips", "segmentation.unet_down", "segmentation.unet_up"),
    *("segmentation.unet_forward", "detection.rpn_loss", "detection.roi_align"),
    *("detection.decode_yolo", "detection.focal_loss", "detection.mask_loss"),
    *("autoencoders.reparametrize", "autoencoders.gaussian_kl_per_item", "autoencoders.elbo"),
    *("autoencoders.to_rows", "autoencoders.from_rows", "autoencoders.quantize"),
    *("autoencoders.vq_losses", "pixelcnn.masked_conv2d", "pixelcnn.log_prob_per_item"),
    *("gan.discriminator_loss", "gan.saturating_loss", "gan.non_saturating_loss"),
    *("gan.gradient_penalty", "gan.conditional_batch_norm", "gan.spectral_norm"),
    *("cyclegan.cycle_loss", "cyclegan.identity_loss", "cyclegan.residual_block"),
)


@pytest.mark.parametrize("key", DIFFERENTIABLE)
def test_detached_answer_earns_half_at_most(key):
    exercise = EXERCISES[key]
    right = rebuilt(exercise.reference)

    def detached(*args, **kwargs):
        result = right(*args, **kwargs)
        if isinstance(result, tuple):
            return tuple(item.detach() for item in result)
        return result.detach()

    for seed in SEEDS[:2]:
        assert 0 < graded(exercise, detached, seed).points <= exercise.points / 2
