import pytest
import torch
from support.detection_scenes import random_scenes
from torch import nn
from torchvision.models.detection import mask_rcnn as theirs
from torchvision.models.detection.roi_heads import maskrcnn_loss

from cvgen_course.detection.detections import Detections
from cvgen_course.detection.faster_rcnn import Regions
from cvgen_course.detection.mask_rcnn import MaskHead, MaskRCNN
from cvgen_course.detection.masks import mask_loss
from cvgen_course.detection.roi_align import roi_align
from cvgen_course.detection.targets import pad_targets

C, SIZE = 4, (48, 48)


def make(**parts):
    torch.manual_seed(0)
    small = {"width": 4, "num_convs": 1, "channels": 6, "hidden": 10, "num_proposals": 12}
    return MaskRCNN(C, sizes=((8, 12), (16, 24)), **small | parts).eval()


def random_targets(N=3, seed=0):
    rng = torch.Generator().manual_seed(seed)
    scenes = random_scenes(rng, N, C, max_objects=4, max_detections=0, size=48, masks=True)
    return pad_targets(scenes[1])


class Quarters(nn.Module):
    """Draws, whatever it sees: the left half for class 1, the upper for 2, all for 3."""

    def forward(self, regions):
        logits = torch.full((len(regions), 3, 14, 14), -0.25)
        logits[:, 0, :, :7] = 0.25
        logits[:, 1, :7] = 0.25
        logits[:, 2] = 0.25
        return logits


class BrighterHalf(nn.Module):
    """Draws, for every class, where a region is above its own average."""

    def forward(self, regions):
        x = regions.sum(dim=1, keepdim=True)
        x = x - x.mean(dim=(2, 3), keepdim=True)
        return x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3).expand(-1, 3, -1, -1)


@pytest.mark.parametrize("num_convs", [1, 3])
def test_mask_head_with_torchvisions_weights_gives_the_same(num_convs):
    head = MaskHead(6, C, num_convs)
    convs = theirs.MaskRCNNHeads(6, [6] * num_convs, dilation=1)
    predictor = theirs.MaskRCNNPredictor(6, 6, C - 1)
    for mine, block in zip(head.convs, convs, strict=True):
        mine.load_state_dict(block[0].state_dict())
    head.upsample.load_state_dict(predictor.conv5_mask.state_dict())
    head.mask_logits.load_state_dict(predictor.mask_fcn_logits.state_dict())
    regions = torch.randn(5, 6, 7, 7)
    logits = head(regions)
    assert logits.shape == (5, C - 1, 14, 14)
    torch.testing.assert_close(logits, predictor(convs(regions)))


def test_detect_pastes_the_mask_of_the_predicted_class():
    model = make()
    model.mask_head = Quarters()
    boxes = torch.tensor([[10.0, 4, 20, 16], [2, 20, 42, 40], [30, 0, 48, 12], [10, 4, 20, 16]])
    answers = [
        Detections(boxes[:3], torch.tensor([0.9, 0.8, 0.7]), torch.tensor([1, 2, 3])),
        Detections(boxes[:0], torch.zeros(0), torch.zeros(0, dtype=torch.int64)),
        Detections(boxes[3:], torch.tensor([0.6]), torch.tensor([2])),
    ]
    model.detector.detect_from = lambda first: answers
    found = model.detect(torch.zeros(3, 3, *SIZE))
    expected = torch.zeros(4, *SIZE, dtype=torch.bool)
    expected[0, 4:16, 10:15] = True
    expected[1, 20:30, 2:42] = True
    expected[2, 0:12, 30:48] = True
    expected[3, 4:10, 10:20] = True
    assert torch.equal(found[0].masks, expected[:3])
    assert found[1].masks.shape == (0, *SIZE)
    assert torch.equal(found[2].masks, expected[3:])
    for each, answer in zip(found, answers, strict=True):
        assert all(map(torch.equal, each[:3], answer[:3]))


def test_detect_draws_each_mask_from_its_own_image():
    model = make()
    boxes = torch.tensor([[8.0, 8.0, 40.0, 40.0]])
    answer = Detections(boxes, torch.tensor([0.9]), torch.tensor([3]))
    model.detector.detect_from = lambda first: [answer] * len(first.features)
    model.mask_head = BrighterHalf()
    images = torch.randn(3, 3, *SIZE)
    together = model.detect(images)
    assert not torch.equal(together[0].masks, together[2].masks)
    assert all(each.masks.any() for each in together)
    for image, expected in zip(images, together, strict=True):
        assert torch.equal(model.detect(image[None])[0].masks, expected.masks)


def given_regions(M):
    """Boxes with M to 2 M pixels a side: torchvision reads them at two points a cell, too."""
    rng = torch.Generator().manual_seed(3)
    corner = 1 + torch.rand(8, 2, generator=rng) * (SIZE[0] - 2 * M - 2)
    boxes = torch.cat([corner, corner + M + 0.5 + (M - 1) * torch.rand(8, 2, generator=rng)], dim=1)
    labels = torch.tensor([1, 3, 0, 2, 0, 1, 2, 3])
    image_of = torch.tensor([0, 0, 0, 1, 1, 1, 2, 2])
    object_of = torch.tensor([0, 1, -1, 1, -1, 0, 1, 0])
    return Regions(boxes, image_of, labels, object_of, boxes)


def masks_targets():
    rng = torch.Generator().manual_seed(4)
    masks = torch.rand(3, 2, 6, 6, generator=rng) < 0.5
    masks = masks.repeat_interleave(8, dim=2).repeat_interleave(8, dim=3)  # (3, 2, 48, 48)
    return random_targets()._replace(
        boxes=torch.tensor([0.0, 0.0, 48.0, 48.0]).expand(3, 2, 4),
        labels=torch.tensor([[1, 3], [1, 2], [3, 2]]),
        masks=masks,
    )


def test_mask_loss_equals_torchvisions():
    seen = []

    def note(logits, labels, wanted):
        seen.append((logits, labels, wanted))
        return mask_loss(logits, labels, wanted)

    model, targets = make(mask_loss=note), masks_targets()
    M = 2 * model.roi_size
    regions = given_regions(M)
    model.detector.sample_regions = lambda first, targets: regions
    losses = model.losses(model(torch.randn(3, 3, *SIZE)), targets)
    ((logits, labels, wanted),) = seen
    assert logits.shape == (6, C - 1, M, M)
    assert wanted.shape == (6, M, M)
    assert labels.tolist() == [1, 3, 2, 1, 2, 3]
    per_image = [(regions.labels > 0) & (regions.image_of == n) for n in range(3)]
    # Theirs takes a pixel's centre for a whole number, which moves everything by half a pixel.
    expected = maskrcnn_loss(
        logits,
        [regions.boxes[mine] - 0.5 for mine in per_image],
        list(targets.masks),
        list(targets.labels - 1),  # their channels
        [regions.object_of[mine] for mine in per_image],
    )
    torch.testing.assert_close(losses["masks"], expected)


def test_losses_are_faster_rcnns_and_that_of_the_masks():
    model, targets = make(), random_targets()
    stage = model.detector
    stage.num_samples = stage.rpn.num_samples = 10_000
    stage.positive_fraction = 1.0
    first = model(torch.randn(3, 3, *SIZE))
    losses, expected = model.losses(first, targets), stage.losses(first, targets)
    assert set(losses) - set(expected) == {"masks"}
    for name in expected:
        torch.testing.assert_close(losses[name], expected[name])


def test_losses_ask_for_masks():
    model, targets = make(), random_targets()
    with pytest.raises(ValueError, match="targets: expected masks for Mask R-CNN, got None"):
        model.losses(model(torch.zeros(3, 3, *SIZE)), targets._replace(masks=None))


def test_mask_of_background_teaches_nothing():
    model, targets = make(), masks_targets()
    regions = given_regions(14)
    regions = regions._replace(labels=torch.zeros_like(regions.labels))
    model.detector.sample_regions = lambda first, targets: regions
    assert model.losses(model(torch.zeros(3, 3, *SIZE)), targets)["masks"].item() == 0


def test_parts_of_ones_own_are_used_for_masks_too():
    calls = []

    def own_roi_align(features, boxes, image_of, output_size, spatial_scale):
        calls.append(len(boxes))
        return roi_align(features, boxes, image_of, output_size, spatial_scale)

    model, targets = make(roi_align=own_roi_align), random_targets()
    model.losses(model(torch.zeros(3, 3, *SIZE)), targets)
    assert len(calls) == 2  # for the boxes and for the masks
