import pytest
import torch
from support.small_translations import small_cyclegan, write_photographs

from cvgen_course.data.horse2zebra import Horse2Zebra
from cvgen_course.data.pair_set import load_pairs
from cvgen_course.experiments.cyclegan.samples import draw_sheet

pytestmark = pytest.mark.filterwarnings("error")


@torch.no_grad()
def test_draw_sheet_shows_both_ways_and_the_truth_where_it_is_known():
    gan, items = small_cyclegan(), load_pairs("val", size=10)
    a, b = items.a[:8], items.b[:8]
    rows = [a, gan.to_b(a), gan.to_a(gan.to_b(a)), items.truths[:8]]
    rows += [b, gan.to_a(b), gan.to_b(gan.to_a(b))]
    sheet = draw_sheet(gan, items)
    assert sheet.shape == (7, 8, 3, 32, 32)
    assert torch.equal(sheet, torch.stack(rows))
    torch.manual_seed(3)
    assert torch.equal(draw_sheet(gan, items), sheet)


@torch.no_grad()
def test_draw_sheet_of_few_images_has_as_many_columns(tmp_path):
    write_photographs(tmp_path)
    sheet = draw_sheet(small_cyclegan(), Horse2Zebra("test", tmp_path))
    assert sheet.shape == (6, 2, 3, 72, 72)
