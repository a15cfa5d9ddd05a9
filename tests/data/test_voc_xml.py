import pytest
import torch
from support.voc_xml import voc_xml

from cvgen_course.data.voc_xml import read_boxes
from cvgen_course.errors import DataError

CELLS = ("background", "RBC", "WBC", "Platelets")


def test_read_boxes_counts_from_zero_and_leaves_out_points(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text(voc_xml(("RBC", 1, 2, 3, 4), ("WBC", 5, 5, 5, 5), ("Platelets", 2, 2, 2, 9)))
    boxes, labels, difficult = read_boxes(path, CELLS)
    assert boxes.tolist() == [[0, 1, 3, 4], [1, 1, 2, 9]]
    assert boxes.dtype == torch.float32
    assert labels.tolist() == [1, 3]
    assert difficult.tolist() == [False, False]


def test_read_boxes_of_no_object_is_empty(tmp_path):
    (tmp_path / "a.xml").write_text(voc_xml())
    boxes, labels, difficult = read_boxes(tmp_path / "a.xml", CELLS)
    assert boxes.shape == (0, 4)
    assert labels.shape == difficult.shape == (0,)
    assert labels.dtype == torch.int64
    assert difficult.dtype == torch.bool


def test_read_boxes_says_what_is_difficult(tmp_path):
    boxes = (
        ("RBC", 1, 1, 2, 2, "<difficult>1</difficult>"),
        ("WBC", 1, 1, 3, 3, "<difficult>0</difficult>"),
        ("RBC", 1, 1, 4, 4),  # VOC 2012 has objects about which nothing is said
        ("WBC", 1, 1, 5, 5, "<difficult> 1\n</difficult>"),
    )
    (tmp_path / "a.xml").write_text(voc_xml(*boxes))
    _, labels, difficult = read_boxes(tmp_path / "a.xml", CELLS)
    assert labels.tolist() == [1, 2, 1, 2]
    assert difficult.tolist() == [True, False, False, True]


@pytest.mark.parametrize(
    "text",
    [
        "<annotation><object>",
        voc_xml(("RBC", 9, 2, 3, 4)),
        voc_xml(("cat", 1, 2, 3, 4)),
        voc_xml(("RBC", "", 2, 3, 4)),
        voc_xml(("background", 1, 2, 3, 4)),
    ],
)
def test_read_boxes_rejects_damage(tmp_path, text):
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(DataError, match=r"a\.xml.* boxes of RBC, WBC, Platelets \(.*Restore"):
        read_boxes(tmp_path / "a.xml", CELLS)
