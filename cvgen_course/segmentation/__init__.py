"""Semantic segmentation: which class does each pixel belong to?

Metrics, losses and variations of masks, ways to make maps larger, and three networks: FCN,
DeconvNet, U-Net.
"""

from cvgen_course.segmentation.augmentation import flip_and_turn
from cvgen_course.segmentation.backbone import Backbone, conv_block
from cvgen_course.segmentation.deconvnet import DeconvNet, deconv_block
from cvgen_course.segmentation.fcn import FCN, fuse_skips, upsample_and_add
from cvgen_course.segmentation.losses import (
    cross_entropy_dice_loss,
    dice_loss,
    pixel_cross_entropy,
)
from cvgen_course.segmentation.metrics import (
    confusion_matrix,
    iou_per_class,
    mean_iou,
    pixel_accuracy,
)
from cvgen_course.segmentation.prediction import predict
from cvgen_course.segmentation.transposed_convolution import bilinear_kernel, conv_transpose2d
from cvgen_course.segmentation.unet import UNet, unet_down, unet_forward, unet_up
from cvgen_course.segmentation.unpooling import max_unpool
from cvgen_course.segmentation.upsampling import bed_of_nails, bilinear, nearest

__all__ = [
    "FCN",
    "Backbone",
    "DeconvNet",
    "UNet",
    "bed_of_nails",
    "bilinear",
    "bilinear_kernel",
    "confusion_matrix",
    "conv_block",
    "conv_transpose2d",
    "cross_entropy_dice_loss",
    "deconv_block",
    "dice_loss",
    "flip_and_turn",
    "fuse_skips",
    "iou_per_class",
    "max_unpool",
    "mean_iou",
    "nearest",
    "pixel_accuracy",
    "pixel_cross_entropy",
    "predict",
    "unet_down",
    "unet_forward",
    "unet_up",
    "upsample_and_add",
]
