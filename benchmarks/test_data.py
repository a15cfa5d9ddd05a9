"""How fast the embedded data sets are drawn, without their cache on disk."""

import pytest

from cvgen_course.data import glyphs, pairs, scenes


@pytest.mark.benchmark(group="Drawing data")
@pytest.mark.parametrize(
    ("name", "draw_split", "size"),
    [
        ("scenes", scenes.draw_split, 100),
        ("glyphs", glyphs.draw_split, 500),
        ("pairs", pairs.draw_split, 100),
    ],
    ids=["scenes", "glyphs", "pairs"],
)
def test_draw(benchmark, name, draw_split, size):
    """Draw the first images of a split."""
    drawn = benchmark.pedantic(draw_split, ("train", size, 0), rounds=9, warmup_rounds=1)
    assert {len(array) for name, array in drawn.items() if name in ("images", "a", "b")} == {size}
    benchmark.extra_info["what"] = f"{size} {name}"
    if benchmark.enabled:
        benchmark.extra_info["images_per_second"] = size / benchmark.stats.stats.median
