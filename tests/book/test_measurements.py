import json
from pathlib import Path

import pytest

from cvgen_course.book.measurements import PAGE, measurements, rows
from cvgen_course.errors import BookError

NBSP = "\N{NO-BREAK SPACE}"
ROOT = Path(__file__).resolve().parents[2]


def entry(group, what, median, **more):
    seconds = {"min": 0.9 * median, "median": median, "iqr": 0.1 * median, "rounds": 7}
    return {"group": group, "what": what, "seconds": seconds, **more}


def other(library, median):
    return {"library": library, "min": median, "median": median, "iqr": 0.0, "rounds": 7}


@pytest.fixture
def results():
    """What a run of six benchmarks on a made-up machine writes."""
    return {
        "machine": "An *abacus*, 1 core | 2 GiB",
        "date": "2026-02-03",
        "commit": "0123456789abcdef",
        "dirty": False,
        "profile": "cpu",
        "benchmarks": [
            entry("Chapters", "01_sample", 372.4, peak_memory=1_234_000_000),
            entry("Metrics: 64 masks", "mean IoU", 0.002, other=other("sklearn", 0.04), ratio=0.05),
            entry("Chapters", "02_other", 9.876, peak_memory=812_345_678),
            entry("Metrics: 64 masks", "soft Dice", 0.000345),
            entry("Drawing", "100 scenes", 0.25, images_per_second=4929.4),
            entry("The book", "rendering", 59.97, size=13_264_968),
        ],
    }


@pytest.fixture
def page(tmp_path, results):
    """A function that makes the page, with ordinary spaces, from the results as they are then."""

    def make():
        path = tmp_path / "results.json"
        path.write_text(json.dumps(results), encoding="utf-8")
        return measurements(path).replace(NBSP, " ")

    return make


def test_measurements_has_a_table_for_each_group_with_its_columns_only(page):
    text = page()
    assert (
        """## Chapters

| what | time | peak memory |
| :-- | --: | --: |
| 01\\_sample | 6 min 12 s | 1.23 GB |
| 02\\_other | 9.88 s | 812 MB |
"""
        in text
    )
    assert (
        """## Metrics

64 masks

| what | ours | other | ratio |
| :-- | --: | --: | --: |
| mean IoU | 2.00 ms | sklearn 40.0 ms | 0.050 |
| soft Dice | 345 µs |  |  |
"""
        in text
    )
    assert "| 100 scenes | 250 ms | 4,929 |" in text
    assert (
        "| what | time | size |\n| :-- | --: | --: |\n| rendering | 1 min 00 s | 13.3 MB |" in text
    )


def test_measurements_begins_with_a_title_and_says_where_the_numbers_come_from(page, results):
    text = page()
    assert text.startswith("# Measurements\n")
    for line in (
        "- Machine: An \\*abacus\\*, 1 core \\| 2 GiB\n",
        "- Date: 2026-02-03\n",
        "- Commit: `0123456789`\n",
        "- Profile of the chapters: `cpu`\n",
    ):
        assert line in text
    results["dirty"] = True
    assert "- Commit: `0123456789` with changes\n" in page()


@pytest.mark.parametrize("group", ["Sampling", "Threads that wait"])
def test_measurements_explains_groups_by_their_names(group):
    files = (ROOT / "benchmarks").glob("test_*.py")
    assert any(f'group="{group}: ' in path.read_text(encoding="utf-8") for path in files)
    assert f"*{group}*" in PAGE


def test_measurements_of_nothing_is_a_page_without_tables(page, results):
    results["benchmarks"] = []
    assert "|" not in page().replace("\\|", "")


def test_measurements_says_make_bench_where_the_file_is_missing(tmp_path):
    with pytest.raises(BookError, match=r"results\.json: .*FileNotFoundError(.|\n)*make bench"):
        measurements(tmp_path / "results.json")


@pytest.mark.parametrize("content", [b"", b'{"machine": ', b"[]", b"{}", b"\xff\xfe", b"null"])
def test_measurements_says_make_bench_where_the_file_is_damaged(tmp_path, content):
    path = tmp_path / "results.json"
    path.write_bytes(content)
    with pytest.raises(BookError, match=r"results\.json: (.|\n)*make bench"):
        measurements(path)


@pytest.mark.parametrize("median", [None, "1.0", {}, [1.0]])
def test_measurements_says_make_bench_where_a_number_is_none(page, results, median):
    results["benchmarks"][1]["other"]["median"] = median
    with pytest.raises(BookError, match="make bench"):
        page()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0000005, "0.500 µs"),
        (0.00015, "150 µs"),
        (0.0015, "1.50 ms"),
        (0.9996, "1,000 ms"),
        (1.0, "1.00 s"),
        (59.94, "59.9 s"),
        (59.95, "1 min 00 s"),
        (3725.0, "62 min 05 s"),
    ],
)
def test_rows_name_times_in_the_unit_that_fits(results, seconds, text):
    results["benchmarks"] = [entry("A", "a", seconds)]
    (row,) = rows(results)
    assert row.time == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(0.0723, "0.072"), (0.5, "0.50"), (1.0, "1.0"), (9.96, "10"), (134.2, "134")],
)
def test_rows_give_ratios_with_two_digits(results, ratio, text):
    results["benchmarks"] = [entry("A", "a", 1.0, other=other("b", 2.0), ratio=ratio)]
    (row,) = rows(results)
    assert row.ratio == text


def test_rows_keep_groups_together_in_the_order_of_the_run(results):
    order = [(row.group, row.what) for row in rows(results)]
    assert order == [
        ("Chapters", "01_sample"),
        ("Chapters", "02_other"),
        ("Metrics: 64 masks", "mean IoU"),
        ("Metrics: 64 masks", "soft Dice"),
        ("Drawing", "100 scenes"),
        ("The book", "rendering"),
    ]


def test_rows_show_the_other_library_s_memory_beside_ours(results):
    theirs = other("sklearn", 0.04) | {"peak_memory": 214_319_104}
    both = entry("Codes", "a layer", 0.002, other=theirs, ratio=0.05, peak_memory=50_659_328)
    results["benchmarks"] = [both]
    (row,) = rows(results)
    assert (row.besides, row.measure) == ("peak memory", "50.7 MB, theirs 214 MB")


def test_rows_leave_empty_what_was_not_measured(results):
    lonely = next(row for row in rows(results) if row.what == "soft Dice")
    assert (lonely.other, lonely.ratio, lonely.besides, lonely.measure) == ("", "", "", "")


def test_committed_results_become_a_page_and_name_no_path():
    path = ROOT / "benchmarks" / "results.json"
    assert "| 01\\_segmentation |" in measurements(path)
    machine = json.loads(path.read_text(encoding="utf-8"))["machine"]
    assert "/" not in machine
    assert set(json.loads(path.read_text())) == {
        *("machine", "date", "commit", "dirty", "profile", "benchmarks")
    }
