"""PixelCNN and PixelRNN: an image's probability, pixel by pixel, and images drawn the same way.

Masked convolutions, gated stacks and recurrent layers; exact likelihoods; sampling, completion and
a cache that makes both quick; and a prior over the codes of a VQ-VAE.
"""

from cvgen_course.pixelcnn.cached import Cached
from cvgen_course.pixelcnn.codes import sample_by_codes
from cvgen_course.pixelcnn.diagonal_lstm import DiagonalBiLSTM
from cvgen_course.pixelcnn.gated import GatedLayer, GatedPixelCNN, gate, gated_block
from cvgen_course.pixelcnn.levels import every_image, from_levels, to_levels
from cvgen_course.pixelcnn.likelihood import log_prob_per_item
from cvgen_course.pixelcnn.masked_conv import MaskedConv2d, masked_conv2d
from cvgen_course.pixelcnn.masks import causal_mask
from cvgen_course.pixelcnn.pixel_rnn import PixelRNN
from cvgen_course.pixelcnn.pixelcnn import PixelCNN
from cvgen_course.pixelcnn.row_lstm import RowLSTM
from cvgen_course.pixelcnn.sampling import complete, sample
from cvgen_course.pixelcnn.temperature import at_temperature
from cvgen_course.pixelcnn.vertical import Vertical, VerticalConv2d, vertical_conv2d

__all__ = [
    "Cached",
    "DiagonalBiLSTM",
    "GatedLayer",
    "GatedPixelCNN",
    "MaskedConv2d",
    "PixelCNN",
    "PixelRNN",
    "RowLSTM",
    "Vertical",
    "VerticalConv2d",
    "at_temperature",
    "causal_mask",
    "complete",
    "every_image",
    "from_levels",
    "gate",
    "gated_block",
    "log_prob_per_item",
    "masked_conv2d",
    "sample",
    "sample_by_codes",
    "to_levels",
    "vertical_conv2d",
]
