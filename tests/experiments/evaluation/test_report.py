import json
from dataclasses import replace

import pytest
from rich.console import Console
from support.image_files import pixels
from support.toy_extractor import toy_extractor, toy_side

from cvgen_course.errors import CourseError
from cvgen_course.experiments.evaluation.comparison import compare
from cvgen_course.experiments.evaluation.report import progress_bars, show, write_json
from cvgen_course.experiments.evaluation.warnings import find_warnings


@pytest.fixture
def found(tmp_path):
    sides = [
        toy_side(tmp_path, pixels(num, 8, 8, seed=num), text=f"toys:{num}") for num in (60, 50)
    ]
    return compare(*sides, toy_extractor(), 0)


def shown(found):
    console = Console(width=80)
    with console.capture() as capture:
        show(console, found)
    return capture.get()


def test_show_prints_each_metric_in_one_line_of_80_characters(found):
    lines = shown(found).splitlines()
    assert max(map(len, lines)) <= 80
    _, *rows = (line for line in lines if "±" in line)
    titles = ("Inception Score", "of REAL", "Fréchet distance", "kernel distance", "precision")
    titles += ("recall", "density", "coverage")
    for row, title, estimate in zip(rows, titles, found.metrics.values(), strict=True):
        assert row.strip().startswith(f"{title}  ")
        assert f" {estimate}  " in row


def test_show_says_what_was_compared_and_what_to_mind(found):
    text = " ".join(shown(found).split())
    assert "REAL toys:60 60 images, 8 × 8, grey" in text
    assert "FAKE toys:50 50 images, 8 × 8, grey" in text
    assert "with no published FID" in text
    for sentence in find_warnings(found):
        assert f"! {sentence}" in text


@pytest.mark.parametrize("name", ["a" * 100, "[red]/x[/red]"])
def test_show_folds_and_escapes_what_the_user_typed(found, name):
    text = shown(found._replace(real=found.real._replace(text=name)))
    assert max(map(len, text.splitlines())) <= 80
    assert name in "".join(text.split()) or name[:30] in text


def test_show_speaks_of_fid_where_features_are_an_inception_network_s(found):
    text = shown(found._replace(extractor=toy_extractor("inception", published=True)))
    assert " FID  " in text
    assert " KID  " in text
    assert "Fréchet distance  " not in text
    assert "Inception network of 2015" in text


def test_write_json_holds_the_same_and_how_it_was_measured(found, tmp_path):
    path = tmp_path / "new" / "found.json"
    write_json(path, found)
    content = json.loads(path.read_text(encoding="utf-8"))
    expected = {
        name: {"value": estimate.value, "error": estimate.error}
        for name, estimate in found.metrics.items()
    }
    assert content["metrics"] == expected
    assert content["frechet_bias"] == found.bias
    assert content["warnings"] == find_warnings(found)
    assert content["seed"] == 0
    assert content["features"] == {
        "name": "glyphs",
        "num": 4,
        "weights_sha256": "0123456789abcdef",
        "published_weights": False,
        "images_resized_to": 8,
        "resizing": "bicubic, antialiased",
    }
    assert content["real"]["source"] == "toys:60"
    assert content["real"]["sha256"] == found.real.sha256
    assert (content["fake"]["num"], content["fake"]["num_kept"]) == (50, 50)
    assert content["fake"]["sizes"] == {"8 × 8": 50}
    assert {"torch", "cvgen-course"} <= content["versions"].keys()


def test_write_json_lists_the_most_frequent_sizes_only(found, tmp_path):
    sizes = {f"{n} × {n}": n for n in range(1, 31)}
    summary = found.real.summary
    many = summary._replace(facts=replace(summary.facts, sizes=sizes))
    write_json(tmp_path / "found.json", found._replace(real=found.real._replace(summary=many)))
    content = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))["real"]
    assert content["sizes"] == {f"{n} × {n}": n for n in range(30, 20, -1)}
    assert content["num_sizes"] == 30


def test_write_json_says_that_a_file_can_t_be_written(found, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(CourseError, match="--json: expected a file that can be written, got"):
        write_json(tmp_path / "file" / "found.json", found)


def test_progress_bars_show_nothing_where_nobody_is_watching():
    console = Console(width=80, force_terminal=False)
    with console.capture() as capture, progress_bars(console) as begin:
        begin("work", 4)(3)
    assert capture.get() == ""


def test_progress_bars_move_and_go():
    console = Console(width=80, force_terminal=True)
    with console.capture() as capture, progress_bars(console) as begin:
        begin("work", 4)(3)
        begin("metrics", None)
        console.print("beside")
    text = capture.get()
    assert "work" in text
    assert "3/4" in text
    assert "beside" in text
