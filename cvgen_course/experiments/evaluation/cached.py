"""Summaries of images that were looked at before, in the cache."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from cvgen_course.data.folders import cache_folder
from cvgen_course.evaluation import Moments
from cvgen_course.experiments.evaluation.extractor import FeatureExtractor
from cvgen_course.experiments.evaluation.scores import Sums
from cvgen_course.experiments.evaluation.summary import Facts, Summary
from cvgen_course.files import replacing
from cvgen_course.provenance import code_hash


def cached_path(digest: str, extractor: FeatureExtractor, seed: int) -> Path:
    """Return where a summary is kept: under a hash of all that it follows from.

    Args:
        digest: of the images.
        extractor: looks at them; its weights count, and all code that is used.
        seed: as `summarise` takes it.
    """
    code = code_hash(*(f"cvgen_course.experiments.evaluation.{m}" for m in ("summary", "sources")))
    words = f"{digest} {extractor.name} {extractor.sha256} {code} {seed}"
    key = hashlib.sha256(words.encode()).hexdigest()[:32]
    return cache_folder() / "evaluation" / f"{key}.safetensors"


def read_summary(path: Path) -> Summary | None:
    """Return a summary from a file; None where there is none, or it is damaged."""
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
        facts = metadata.get("facts", "")
        if metadata.get("sha256") != _checksum(tensors, facts):
            return None
    except (OSError, SafetensorError):
        return None
    known = Facts(**json.loads(facts))
    sums = Sums(*(tensors[f"sums.{name}"] for name in Sums._fields))
    moments = Moments(known.num, tensors["mean"], tensors["scatter"])
    return Summary(known, moments, sums, tensors["kept"])


def write_summary(path: Path, summary: Summary) -> None:
    """Write a summary, as a whole or not at all; not where the cache can't be written."""
    facts = json.dumps(asdict(summary.facts))
    tensors = {f"sums.{name}": x for name, x in summary.sums._asdict().items()} | {
        "mean": summary.moments.mean,
        "scatter": summary.moments.scatter,
        "kept": summary.kept,
    }
    with contextlib.suppress(OSError), replacing(path) as file:
        file.write(save(tensors, {"facts": facts, "sha256": _checksum(tensors, facts)}))


def _checksum(tensors: dict[str, Tensor], facts: str) -> str:
    """Return a checksum, which the format itself has not: a flipped bit would go unnoticed."""
    return hashlib.sha256(save(tensors) + facts.encode()).hexdigest()
