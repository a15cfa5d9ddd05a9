import pytest
import torch

from cvgen_course import chapters
from cvgen_course.data import NAMES
from cvgen_course.errors import CourseError
from cvgen_course.experiments.chapters import OFFERS, build_experiment

DRAWN = {
    "segmentation": "scenes",
    "detection": "scenes",
    "autoencoders": "glyphs",
    "pixelcnn": "glyphs",
    "gan": "glyphs",
    "cyclegan": "pairs",
}
"""Of each chapter, a data set that is drawn where it is missing."""


@pytest.fixture(autouse=True)
def few_pictures(monkeypatch):
    from cvgen_course.data.glyph_set import load_glyphs
    from cvgen_course.data.pair_set import load_pairs
    from cvgen_course.data.scene_set import load_scenes

    loaders = {"scenes": load_scenes, "glyphs": load_glyphs, "pairs": load_pairs}

    def load(data, split):
        return loaders[data](split, size=2)

    folders = ("detection", "autoencoders", "pixelcnn", "gan")
    modules = ("segmentation", "cyclegan.domains", *(f"{name}.experiment" for name in folders))
    for module in modules:
        monkeypatch.setattr(f"cvgen_course.experiments.{module}.load", load)
    for name in ("gan", "cyclegan"):
        path = f"cvgen_course.experiments.{name}.experiment.trained_judge"
        monkeypatch.setattr(path, lambda *_: None)


def test_every_chapter_has_a_data_set_that_needs_nothing():
    assert DRAWN.keys() == OFFERS.keys()


def test_chapters_name_data_sets_that_there_are():
    for offer in OFFERS.values():
        assert {data.partition(":")[0] for data in offer.models} <= set(NAMES)


@pytest.mark.parametrize("chapter", OFFERS)
@pytest.mark.parametrize("attribute", ["name", "folder"])
def test_build_experiment_knows_chapters_by_both_names(chapter, attribute):
    data = DRAWN[chapter]
    experiment = build_experiment(getattr(chapters.find(chapter), attribute), data)
    assert experiment.chapter == chapter
    assert experiment.data == data
    assert experiment.model_name == OFFERS[chapter].models[data][0]
    assert experiment.settings() == {
        "chapter": chapter,
        "data": data,
        "model": experiment.model_name,
        "steps": experiment.steps,
        "batch_size": experiment.batch_size,
        "lr": experiment.lr,
        "weight_decay": experiment.weight_decay,
        "seed": 0,
    }


def test_build_experiment_changes_what_it_is_told():
    experiment = build_experiment(
        "detection", "scenes", "yolo", seed=3, steps=7, batch_size=2, lr=0.5
    )
    assert type(experiment.model).__name__ == "YOLO"
    assert (experiment.seed, experiment.steps, experiment.batch_size) == (3, 7, 2)
    assert experiment.lr == 0.5


def test_build_experiment_s_first_weights_follow_from_the_seed():
    models = []
    for seed in (0, 0, 1):
        torch.randn(3)
        models.append(build_experiment("segmentation", "scenes", seed=seed).model)
    weights = [next(model.parameters()) for model in models]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("painting", "scenes"),
            "chapter: expected one of introduction, segmentation, .* got 'painting'",
        ),
        (
            ("cyclegan", "cifar10:cat,dog"),
            "--data: expected one of pairs, cifar10:horse,deer, horse2zebra for chapter cyclegan, ",
        ),
        (
            ("09_flows", "scenes"),
            "chapter: expected one of segmentation, .*, cyclegan, got '09_flows'; .* yet",
        ),
        (("detection", "mnist"), "--data: expected one of scenes, bccd, .* got 'mnist'"),
        (
            ("detection", "bccd", "mask_rcnn"),
            "--model: expected .* on bccd, got 'mask_rcnn'",
        ),
        (("segmentation", "scenes", "vit"), "--model: expected one of unet for .* got 'vit'"),
    ],
)
def test_build_experiment_says_what_there_is(arguments, message):
    with pytest.raises(CourseError, match=message):
        build_experiment(*arguments)
