"""CycleGAN: translation between two kinds of images without a single pair.

Two generators, each the other's way back; discriminators that judge patches; what keeps a
translation to its content; and how to measure that against a known truth.
"""

from cvgen_course.cyclegan.cyclegan import CycleGAN
from cvgen_course.cyclegan.image_pool import ImagePool, query_pool
from cvgen_course.cyclegan.losses import cycle_loss, identity_loss
from cvgen_course.cyclegan.patchgan import PatchGAN, make_patchgan
from cvgen_course.cyclegan.receptive_field import receptive_field, seen_pixels
from cvgen_course.cyclegan.residual_block import ResidualBlock, residual_block
from cvgen_course.cyclegan.resnet_generator import ResNetGenerator
from cvgen_course.cyclegan.schedule import linear_decay
from cvgen_course.cyclegan.similarity import psnr_per_item, ssim_per_item
from cvgen_course.cyclegan.steps import (
    Translated,
    discriminator_step,
    generator_step,
    generators_loss,
)
from cvgen_course.cyclegan.unet_generator import UNetGenerator

__all__ = [
    "CycleGAN",
    "ImagePool",
    "PatchGAN",
    "ResNetGenerator",
    "ResidualBlock",
    "Translated",
    "UNetGenerator",
    "cycle_loss",
    "discriminator_step",
    "generator_step",
    "generators_loss",
    "identity_loss",
    "linear_decay",
    "make_patchgan",
    "psnr_per_item",
    "query_pool",
    "receptive_field",
    "residual_block",
    "seen_pixels",
    "ssim_per_item",
]
