import pytest
import torch
from matplotlib.colors import to_rgb

from cvgen_course.data import CLASSES
from cvgen_course.plotting import class_colours, draw_boxes

IMAGE = torch.zeros(3, 20, 30)
BOXES = torch.tensor([[2.0, 3, 9, 8], [10, 0, 30, 20]])


def test_draw_boxes_runs_around_the_pixels():
    axes = draw_boxes(IMAGE, BOXES)
    box = axes.patches[0]
    assert box.get_xy() == (1.5, 2.5)
    assert (box.get_width(), box.get_height()) == (7, 5)
    assert len(axes.patches) == 4  # each with a dark rim
    assert len(axes.texts) == 0


def test_draw_boxes_writes_class_and_score():
    scores = torch.tensor([0.914, 0.5])
    axes = draw_boxes(IMAGE, BOXES, torch.tensor([1, 4]), CLASSES, scores=scores, title="two")
    assert [text.get_text() for text in axes.texts] == ["disc 0.91", "star 0.50"]
    assert to_rgb(axes.patches[3].get_edgecolor()) == tuple(class_colours(5)[4])
    assert axes.get_title() == "two"
    axes.figure.canvas.draw()


def test_draw_boxes_numbers_classes_without_names():
    axes = draw_boxes(IMAGE, BOXES, torch.tensor([7, 0]))
    assert [text.get_text() for text in axes.texts] == ["7", "0"]


def test_draw_boxes_of_none_shows_the_image():
    axes = draw_boxes(IMAGE, torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), CLASSES)
    assert len(axes.images) == 1
    assert len(axes.patches) == 0


def test_draw_boxes_rejects_another_number_of_labels():
    with pytest.raises(ValueError, match="labels: expected one for each of 2 boxes, got 3"):
        draw_boxes(IMAGE, BOXES, torch.tensor([1, 2, 3]))
    with pytest.raises(ValueError, match="scores: expected one for each of 2 boxes, got 1"):
        draw_boxes(IMAGE, BOXES, scores=torch.tensor([0.5]))


@pytest.mark.parametrize("boxes", [torch.zeros(4), torch.zeros(2, 5)])
def test_draw_boxes_rejects_another_shape(boxes):
    with pytest.raises(ValueError, match="boxes: expected"):
        draw_boxes(IMAGE, boxes)
