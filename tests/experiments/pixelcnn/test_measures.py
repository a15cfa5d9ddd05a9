import math

import pytest
import torch
from torch import nn

from cvgen_course.data import ImageItem
from cvgen_course.experiments.core.pixels import Measured
from cvgen_course.experiments.pixelcnn.experiment import levels_of
from cvgen_course.experiments.pixelcnn.measures import measure
from cvgen_course.pixelcnn import GatedPixelCNN, PixelCNN, every_image, from_levels

pytestmark = pytest.mark.filterwarnings("error")


def each(function, items):
    with torch.no_grad():
        return [function(items[i]) for i in range(len(items))]


def batches(levels, num_levels, batch_size=4):
    images = from_levels(levels, num_levels)
    items = [ImageItem(image, torch.tensor(0)) for image in images]
    return Measured(items, lambda x, rng: levels_of(x, rng, num_levels), "test", batch_size)


def drawn(num_levels, *shape):
    return torch.randint(num_levels, shape, generator=torch.Generator().manual_seed(0))


class Constant(nn.Linear):
    """Gives each place the same probabilities, whatever came before."""

    def __init__(self, probs):
        super().__init__(1, 1)  # so that it lies on a device
        self.logits = torch.tensor(probs).log()

    def forward(self, levels):
        N, C, H, W = levels.shape
        return self.logits.view(1, -1, 1, 1, 1).expand(N, -1, C, H, W)


@pytest.mark.parametrize(("num_levels", "channels"), [(2, 1), (256, 1), (256, 3)])
def test_a_model_that_knows_nothing_needs_the_bits_of_a_table(num_levels, channels):
    model = PixelCNN(num_levels, channels, width=6, num_layers=1)
    nn.init.zeros_(model.layers[-1].weight)
    nn.init.zeros_(model.layers[-1].bias)
    found = measure(model, "test", each, batches(drawn(num_levels, 5, channels, 4, 4), num_levels))
    bits = math.log2(num_levels)
    assert found == pytest.approx(
        {
            "negative_log_likelihood": 16 * channels * bits * math.log(2),
            "bits_per_dim": bits,
        },
        rel=1e-6,
    )


def test_measure_sums_over_pixels_and_takes_the_mean_over_images():
    """Three white pixels of four, and none, where white has probability 1/4."""
    levels = torch.tensor([[[[1, 1], [0, 1]]], [[[0, 0], [0, 0]]]])
    found = measure(Constant([0.75, 0.25]), "test", each, batches(levels, 2))
    bits = ((3 * 2 + math.log2(4 / 3)) + 4 * math.log2(4 / 3)) / 2
    assert found["bits_per_dim"] == pytest.approx(bits / 4)
    assert found["negative_log_likelihood"] == pytest.approx(bits * math.log(2))


def test_an_image_alone_in_the_last_batch_counts_as_much_as_any_other():
    levels = torch.zeros(5, 1, 2, 2, dtype=torch.int64)
    levels[4] = 1
    found = measure(Constant([0.5, 0.125]), "test", each, batches(levels, 2, batch_size=4))
    # 0.5 and 0.125 are 0.8 and 0.2 once they sum to 1
    expected = -(4 * 4 * math.log(0.8) + 4 * math.log(0.2)) / 5
    assert found["negative_log_likelihood"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: PixelCNN(3, 1, width=4, num_layers=1), (3, 1, 2, 2)),
        (lambda: GatedPixelCNN(2, 3, width=6, num_layers=2), (2, 3, 1, 2)),
    ],
)
def test_measure_is_the_chain_rule_place_by_place(make, shape):
    """A naive loop: later places are blacked out before each is asked for."""
    torch.manual_seed(0)
    model, levels = make().eval(), every_image(*shape)[::7]
    _, channels, height, width = shape
    total = 0.0
    for image in levels:
        for i in range(height):
            for j in range(width):
                for c in range(channels):
                    known = torch.zeros_like(image)
                    known[:, :i] = image[:, :i]
                    known[:, i, :j] = image[:, i, :j]
                    known[:c, i, j] = image[:c, i, j]
                    with torch.no_grad():
                        probs = model(known[None])[0, :, c, i, j].softmax(dim=0)
                    total -= math.log(probs[image[c, i, j]])
    found = measure(model, "test", each, batches(levels, shape[0]))
    assert found["negative_log_likelihood"] == pytest.approx(total / len(levels), rel=1e-5)
