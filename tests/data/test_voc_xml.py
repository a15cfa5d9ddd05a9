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
        voc_xml(("RBC", 1, 2, "1e300", 4)),
        "<html>404</html>",
        '<?xml version="1.0" encoding="utf-99"?><annotation/>',
        "<annotation><object><name>RBC</name></object></annotation>",
        "<annotation><object><bndbox/></object></annotation>",
    ],
)
def test_read_boxes_rejects_damage(tmp_path, text):
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(DataError, match=r"a\.xml.* boxes of RBC, WBC, Platelets \(.*Restore"):
        read_boxes(tmp_path / "a.xml", CELLS)


@pytest.mark.parametrize("word", ["inf", "-inf", "nan", "0", "-3", "1e9", "wide", ""])
@pytest.mark.parametrize("at", range(4))
def test_read_boxes_says_which_number_is_no_coordinate(tmp_path, at, word):
    corners = [2, 2, 5, 5]
    corners[at] = word
    (tmp_path / "a.xml").write_text(voc_xml(("RBC", *corners)))
    key = ("xmin", "ymin", "xmax", "ymax")[at]
    with pytest.raises(DataError, match=f"{key}: expected a number from 1 on, got '{word}'"):
        read_boxes(tmp_path / "a.xml", CELLS)


def test_read_boxes_names_an_unknown_class(tmp_path):
    (tmp_path / "a.xml").write_text(voc_xml(("cat", 1, 2, 3, 4)))
    with pytest.raises(DataError, match="name: expected one of these classes, got 'cat'"):
        read_boxes(tmp_path / "a.xml", CELLS)


def test_read_boxes_takes_a_name_on_a_line_of_its_own(tmp_path):
    (tmp_path / "a.xml").write_text(voc_xml(("\n  WBC\n", 1, 2, 3, " 4\n")))
    boxes, labels, _ = read_boxes(tmp_path / "a.xml", CELLS)
    assert (boxes.tolist(), labels.tolist()) == ([[0, 1, 3, 4]], [2])


def test_read_boxes_opens_no_bomb_and_no_other_file(tmp_path):
    (tmp_path / "secret.txt").write_text("WBC")
    layers = "".join(f"<!ENTITY e{k + 1} '{f'&e{k};' * 10}'>" for k in range(9))
    bomb = f"<!DOCTYPE x [<!ENTITY e0 'cell'>{layers}]>" + voc_xml(("&e9;", 1, 2, 3, 4))
    other = f"<!DOCTYPE x [<!ENTITY f SYSTEM '{(tmp_path / 'secret.txt').as_uri()}'>]>"
    for text in (bomb, other + voc_xml(("&f;", 1, 2, 3, 4))):
        (tmp_path / "a.xml").write_text(text)
        with pytest.raises(DataError, match=r"a\.xml"):
            read_boxes(tmp_path / "a.xml", CELLS)
