import pytest
import torch
from support.small_gans import pictures

from cvgen_course.experiments.core import judge as judge_module
from cvgen_course.experiments.core.judge import trained_judge


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CVGEN_CACHE", str(tmp_path))
    return tmp_path / "models"


def same(a, b):
    return all(map(torch.equal, a.state_dict().values(), b.state_dict().values()))


def test_trained_judge_learns_the_classes():
    judge = trained_judge("squares", pictures(40), steps=60)
    others = pictures(20, seed=1)
    assert not judge.training
    assert torch.equal(judge(others.images).argmax(dim=1), others.labels)
    assert judge.features(others.images).shape == (20, 256)


def test_trained_judge_is_the_same_whatever_was_drawn_before(cache, tmp_path, monkeypatch):
    first = trained_judge("squares", pictures(), steps=2)
    monkeypatch.setenv("CVGEN_CACHE", str(tmp_path / "another"))
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    assert same(trained_judge("squares", pictures(), steps=2), first)
    assert torch.equal(torch.rand(1), expected)  # so a model's first weights do not follow from it


def test_trained_judge_is_kept_and_belongs_to_its_training_set(cache):
    judges = [
        trained_judge(data, pictures(num), steps)
        for data, num, steps in (
            ("a", 20, 2),
            ("a", 20, 2),
            ("b", 20, 2),
            ("a", 21, 2),
            ("a", 20, 3),
        )
    ]
    assert len(list(cache.iterdir())) == 4
    assert same(judges[0], judges[1])


def test_half_a_judge_is_never_used(cache, monkeypatch):
    def stopped(judge, batch):
        raise KeyboardInterrupt

    monkeypatch.setattr(judge_module, "_loss", stopped)
    with pytest.raises(KeyboardInterrupt):
        trained_judge("squares", pictures(), steps=2)
    assert not cache.exists()
