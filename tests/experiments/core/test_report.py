import json
import math

import torch
from safetensors.torch import load_model
from torch import nn

from cvgen_course.cyclegan import ImagePool
from cvgen_course.experiments.core.report import table, write_metrics, write_weights


def test_table_has_a_line_for_each_metric_and_a_dash_where_there_is_none():
    assert table({"ap": 0.12345, "ap_small": math.nan}) == "ap         0.123\nap_small       –"
    assert table({}) == ""


def test_write_metrics_is_json_that_every_reader_accepts(tmp_path):
    facts = {"model": "net", "validation": [{"step": 2, "ap": math.nan}]}
    write_metrics(tmp_path / "new", facts, {"ap": math.nan, "ap50": 0.5})

    def refuse(word):
        raise AssertionError(word)

    text = (tmp_path / "new" / "metrics.json").read_text(encoding="utf-8")
    content = json.loads(text, parse_constant=refuse)
    assert content["metrics"] == {"ap": None, "ap50": 0.5}
    assert content["validation"] == [{"step": 2, "ap": None}]
    assert content["model"] == "net"
    assert len(content["date"]) == len("2026-01-01")


def test_write_weights_can_be_loaded_again_shared_ones_too(tmp_path):
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(2, 2)
            self.again = self.first

    model, other = Shared(), Shared()
    write_weights(tmp_path, model)
    write_weights(tmp_path, model)  # over the first
    load_model(other, str(tmp_path / "model.safetensors"))
    assert torch.equal(other.again.weight, model.first.weight)
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_write_weights_leaves_out_what_is_kept_for_the_training_alone(tmp_path):
    model = nn.Sequential(nn.Linear(2, 2), ImagePool(5), ImagePool(5))
    for pool in model[1:]:
        pool.query(torch.rand(3, 3, 16, 16))
    write_weights(tmp_path, model)
    assert (tmp_path / "model.safetensors").stat().st_size < 3 * 16 * 16 * 4
    other = nn.Sequential(nn.Linear(2, 2), ImagePool(5), ImagePool(5))
    load_model(other, str(tmp_path / "model.safetensors"))
    assert torch.equal(other[0].weight, model[0].weight)
    assert other[1].images == []
    assert len(model[1].images) == 3  # it can go on
    assert model.state_dict()["1._extra_state"].shape == (3, 3, 16, 16)
