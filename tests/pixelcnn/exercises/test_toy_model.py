import copy

import pytest
import torch

from cvgen_course.pixelcnn.exercises.toy_model import ToyModel, certain, toy


def make(C, H, W, base=(2.0, 1.0, 0.0), seed=0):
    rng = torch.Generator().manual_seed(seed)
    model = ToyModel(**toy(rng, C * H * W, list(base)), channels=C)
    levels = torch.randint(len(base), (3, C, H, W), generator=rng)
    return model.eval(), levels


def test_toy_model_is_the_sum_written_out():
    weights = torch.tensor([[0, 0], [2, 0]])
    model = ToyModel(weights, torch.tensor([1, 2]), torch.tensor([[5.0, 6.0, 7.0]] * 2), 1).eval()
    logits = model(torch.tensor([[[[2, 0]]]]))[0, :, 0, 0]  # (K, W)
    assert logits[:, 0].tolist() == [7.0, 5.0, 6.0]  # moved on by 1
    assert logits[:, 1].tolist() == [5.0, 6.0, 7.0]  # by 2 + 2 · 2 = 6, which is 0 modulo 3


def test_toy_model_follows_from_each_level_before_and_no_other():
    model, levels = make(2, 2, 3)
    places = [(c, i, j) for i in range(2) for j in range(3) for c in range(2)]
    for t, (c, i, j) in enumerate(places):
        changed = levels.clone()
        changed[:, c, i, j] = (changed[:, c, i, j] + 1) % 3
        differs = (model(changed) != model(levels)).any(dim=1)
        seen = [bool(differs[0, c, i, j]) for c, i, j in places]
        assert seen == [later > t for later in range(len(places))]


def test_toy_model_gives_rows_so_far_and_single_images_the_same_logits():
    model, levels = make(2, 4, 3)
    logits = model(levels)
    assert torch.equal(model(levels[:, :, :2]), logits[..., :2, :])
    assert torch.equal(model(levels[1:2]), logits[1:2])


def test_toy_model_notes_modes_and_graphs_also_of_copies():
    model, levels = make(1, 2, 2)
    model.train()
    model(levels)
    with torch.no_grad():
        copy.deepcopy(model).eval()(levels)
    assert model.asked == [("training", True), ("evaluation", False)]
    assert model.facts(graph=True) == {
        "the model's mode when it is asked": ["evaluation", "training"],
        "its mode afterwards": ["training"],
        "its logits": ["carry a graph"],
    }


def test_toy_model_is_another_in_training_mode_be_it_in_a_part_only():
    model, levels = make(1, 2, 2)
    right = model(levels)
    model.inputs.train()
    assert model.modes() == ["evaluation", "training"]
    assert torch.equal(model(levels), right.roll(1, dims=1))


def test_toy_model_takes_levels_only():
    model, levels = make(1, 2, 2)
    with pytest.raises(ValueError, match="levels: expected values in"):
        model(levels - 3)
    with pytest.raises(TypeError, match="levels: expected whole numbers"):
        model(levels.float())


def test_certain_leaves_one_level_also_to_those_who_take_exponentials():
    weights = torch.tensor(certain(5)).exp()
    assert weights.isfinite().all()
    assert weights[1:].sum() / weights[0] < 1e-20
