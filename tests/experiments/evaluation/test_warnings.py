import pytest
from support.image_files import pixels
from support.toy_extractor import toy_extractor, toy_side

from cvgen_course.evaluation import Estimate
from cvgen_course.experiments.evaluation.comparison import Comparison
from cvgen_course.experiments.evaluation.summary import KEPT, Facts
from cvgen_course.experiments.evaluation.warnings import find_warnings

GLYPHS = {"num": 1000, "sizes": {"8 × 8": 1000}, "grey": 1000}
PHOTOGRAPHS = {"num": 50_000, "sizes": {"8 × 8": 50_000}, "formats": {"PNG": 50_000}}


def comparison(tmp_path, real, fake, name="glyphs", published=True, bias=0.0, same=False):
    """Return what would be found of images of which these are the facts."""
    side = toy_side(tmp_path, pixels(20, 8, 8))
    sides = []
    for number, facts in enumerate((real, fake)):
        summary = side.summary._replace(
            facts=Facts(**facts), moments=side.summary.moments._replace(num=facts["num"])
        )
        sides.append(side._replace(sha256=str(number * (not same)), summary=summary))
    metrics = {"frechet_distance": Estimate(1.0, 0.1)}
    return Comparison(*sides, toy_extractor(name, published), 0, metrics, bias)


@pytest.fixture
def warnings(tmp_path):
    def of(real, fake=None, **options):
        return find_warnings(comparison(tmp_path, real, fake or real, **options))

    return of


def test_usual_images_get_no_warning(warnings):
    assert warnings(GLYPHS) == []
    coloured = GLYPHS | {"grey": 0}
    assert warnings(coloured, name="inception") == []


def test_weights_that_are_not_the_published_ones(warnings):
    coloured = GLYPHS | {"grey": 0}
    (found,) = warnings(coloured, name="inception", published=False)
    assert "SHA-256 01234567…, expected 6726825d…" in found
    assert "no published FID" in found
    assert warnings(GLYPHS, published=False) == []


def test_same_images(warnings):
    (found,) = warnings(GLYPHS, same=True)
    assert "the same images" in found


def test_unreadable_files(warnings):
    broken = GLYPHS | {"unreadable": 3, "first_unreadable": "x/y.png"}
    (found,) = warnings(GLYPHS, broken)
    assert found.startswith("FAKE: 3 of 1,003 files can't be read, the first is 'x/y.png'.")


def test_several_sizes(warnings):
    found = warnings(GLYPHS | {"sizes": {"8 × 8": 300, "9 × 7": 700}}, GLYPHS)
    (sentence,) = found
    assert sentence.startswith("REAL: images of 2 sizes, most often 9 × 7, each resized to 8 × 8")


def test_another_size_than_the_glyph_classifier_s(warnings):
    large = GLYPHS | {"sizes": {"32 × 32": 1000}}
    found = warnings(large)
    assert [sentence[:31] for sentence in found] == [
        f"{side}: images of 32 × 32, resize" for side in ("REAL", "FAKE")
    ]
    assert warnings(large | {"grey": 0}, name="inception") == []


def test_another_size_than_the_other_side_s(warnings):
    coloured = GLYPHS | {"grey": 0}
    (found,) = warnings(coloured, coloured | {"sizes": {"32 × 16": 1000}}, name="inception")
    assert found.startswith("REAL has images of 8 × 8, FAKE of 32 × 16:")


@pytest.mark.parametrize(
    ("num", "words"), [(1, "1 coloured image, "), (1000, "1,000 coloured images, ")]
)
def test_colours_before_the_glyph_classifier(warnings, num, words):
    (found,) = warnings(GLYPHS | {"grey": 1000 - num}, GLYPHS)
    assert found.startswith(f"REAL: {words}turned grey")


@pytest.mark.parametrize("num", [1, 1000])
def test_grey_before_the_inception_network(warnings, num):
    (found,) = warnings(GLYPHS | {"grey": 0}, GLYPHS | {"grey": num}, name="inception")
    assert found.startswith(f"FAKE: {num:,} grey image")
    assert "repeated in three channels" in found


def test_transparent_pixels(warnings):
    (found,) = warnings(GLYPHS, GLYPHS | {"transparent": 2})
    assert found.startswith("FAKE: 2 images with transparent pixels")


@pytest.mark.parametrize(("first", "second"), [("PNG", "JPEG"), ("JPEG", "PNG")])
def test_jpeg_on_one_side_only(warnings, first, second):
    real, fake = (GLYPHS | {"formats": {kind: 1000}} for kind in (first, second))
    (found,) = warnings(real, fake)
    some, none = ("FAKE", "REAL") if second == "JPEG" else ("REAL", "FAKE")
    assert found.startswith(f"{some} has JPEG files, {none} has none")
    assert warnings(real, real) == []
    assert warnings(real, GLYPHS) == []  # of an array, nobody knows


def test_numbers_that_differ(warnings):
    other = {"num": 900, "sizes": {"8 × 8": 900}, "grey": 900}
    (found,) = warnings(GLYPHS, other)
    assert found.startswith("REAL has 1,000 images, FAKE 900:")


@pytest.mark.parametrize("num", [3, 4])
def test_covariance_of_few_images_is_singular(warnings, num):
    few = {"num": num, "sizes": {"8 × 8": num}, "grey": num}
    found = warnings(few, bias=12.3)
    assert found[0].startswith(
        f"{num} images are too few for a covariance of 4 features, which is singular: the "
        "Fréchet distance is too large, by 12 or more."
    )
    assert found[1].startswith("An Inception Score is the mean of 10 splits, here with as few as 0")


@pytest.mark.parametrize(("bias", "num"), [(0.09, 0), (0.11, 1)])
def test_bias_is_worth_a_sentence_where_it_is_larger_than_the_error(warnings, bias, num):
    found = warnings(GLYPHS, bias=bias)
    assert len(found) == num
    assert all("too large by roughly 0.11 for lack of images" in sentence for sentence in found)


@pytest.mark.parametrize(("num", "some"), [(29, 1), (30, 0)])
def test_splits_of_fewer_images_than_classes(warnings, num, some):
    few = {"num": num, "sizes": {"8 × 8": num}, "grey": num}
    found = warnings(few)
    assert len(found) == some
    assert all("as few as 2 images for 3 classes: it is too low" in each for each in found)


def test_images_of_which_some_are_kept(warnings):
    many = {"num": KEPT + 1, "sizes": {"8 × 8": KEPT + 1}, "grey": KEPT + 1}
    (found,) = warnings(many)
    assert found.startswith("Of more than 10,000 images, so many were chosen at random (seed 0)")
