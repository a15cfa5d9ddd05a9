"""Copies are recognised whatever is done to their names; what people write alike is none."""

from __future__ import annotations

import ast
import copy
import functools
import inspect
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from support.exercises import all_exercises
from support.notebooks import ROOT, SOLUTIONS

from cvgen_course.grading.alike import (
    LEAST_NODES,
    copied,
    copied_remarks,
    equal_to_others,
    fingerprints,
    own_fingerprints,
)
from cvgen_course.notebooks.cells import check_call, is_check, is_solution
from cvgen_course.notebooks.regions import split_solution

CHAPTERS = [path for path in SOLUTIONS if path.stem != "introduction"]
every_chapter = pytest.mark.parametrize("source", CHAPTERS, ids=lambda path: path.stem)

TOO_SHORT = {
    "segmentation": "confusion_matrix mean_iou max_unpool bilinear_kernel fuse_skips unet_down "
    "unet_up unet_forward",
    "detection": "hard_negative_mining mask_loss",
    "autoencoders": "reparametrize gaussian_kl_per_item to_rows from_rows vq_losses perplexity",
    "pixelcnn": "masked_conv2d log_prob_per_item bits_per_dim at_temperature vertical_conv2d "
    "gated_block",
    "gan": "discriminator_loss saturating_loss alternating_step non_saturating_loss spectral_norm "
    "truncated_normal",
    "evaluation": "kl_divergence inception_score root_trace frechet_distance",
    "cyclegan": "cycle_loss identity_loss residual_block receptive_field seen_pixels query_pool "
    "discriminator_step",
}
"""Exercises whose reference and solution are both too short to say anything."""

ANSWER = '''
def weighted(values, weights, least=0.5):
    """Return a weighted mean."""
    import torch
    total = torch.zeros(())
    for value, weight in zip(values, weights, strict=True):
        if weight > least:
            total = total + helper(value) * weight  # only those
    kept = [weight for weight in weights if weight > least]
    scale = torch.tensor(kept, dtype=torch.float32).sum().clamp(min=1e-6, max=1e6)
    return total / scale


def helper(value):
    return value.exp().mean(dim=0)
'''
DISGUISED = '''
import math
from torch import float32
import torch as t
def prepare(picture: "Tensor") -> "Tensor":
    """Prepare a picture."""
    return picture.exp().mean(dim=0)

def weighted(xs: list, ws: list, threshold: float = 0.5) -> "Tensor":
    s: t.Tensor = t.zeros(())
    # a comment
    for x, w in zip(xs, ws,
                    strict=True):
        if w > threshold:
            s = (s + prepare(x) * w)
    good = [
        each for each in ws if each > threshold
    ]
    n = t.tensor(good, dtype=float32).sum().clamp(max=1e6, min=1e-6)
    return s / n
'''


def notebook_of(*sources, name="weighted", module="nowhere"):
    """Return a notebook of code cells that ends with the check of an exercise."""
    check = new_code_cell(f'from {module} import check\ncheck("{name}", globals())')
    check.metadata["nbgrader"] = {"grade": True, "solution": False, "grade_id": "t", "points": 1}
    return new_notebook(cells=[*map(new_code_cell, sources), check])


def print_of(*sources, name="weighted"):
    return fingerprints(notebook_of(*sources, name=name), least=1).get(name)


def test_names_layout_types_comments_and_imports_make_no_difference():
    assert print_of(ANSWER) == print_of(DISGUISED) is not None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("weight > least:", "weight >= least:"),
        ("mean(dim=0)", "mean(dim=1)"),  # in the helper
        (".exp()", ".log()"),
        ("min=1e-6, max=1e6", "max=1e-6, min=1e6"),
        ("total / scale", "scale / total"),
        ("helper(value) * weight", "helper(weight) * value"),
        ("torch.zeros", "torch.ones"),
        ("least=0.5", "least=0.25"),
    ],
)
def test_what_is_computed_makes_a_difference(before, after):
    assert before in ANSWER
    assert print_of(ANSWER) != print_of(ANSWER.replace(before, after)) is not None


def test_the_definition_counts_that_stands_when_the_answer_is_checked():
    other = "def weighted(a, b):\n    return a"
    behind = notebook_of(ANSWER)
    behind.cells.append(new_code_cell(other))
    assert fingerprints(behind, least=1) == {"weighted": print_of(ANSWER)}
    assert print_of(other, ANSWER) == print_of(ANSWER)
    assert print_of(ANSWER, other) == print_of(other)


@pytest.mark.parametrize(
    "way",
    [
        ANSWER.replace("def weighted(", "def mine(") + "\nweighted = mine",
        "if True:\n" + "\n".join(f"    {line}" for line in ANSWER.splitlines()),
        "%matplotlib inline\n" + ANSWER,
        "!ls\n" + ANSWER,
    ],
)
def test_an_answer_is_found_however_it_gets_its_name(way):
    assert print_of(way) == print_of(ANSWER)


@pytest.mark.parametrize(
    "source",
    [
        "def weighted(values, weights):\n    # YOUR CODE HERE\n    raise NotImplementedError()",
        "def weighted(",
        "weighted = weighted",
        "weighted = other\nother = weighted",
        "weighted = " + "-" * 3000 + "1",
        "weighted = " + "+".join(["1"] * 20_000),
        "x = 3",
        "%%bash\ndef weighted(): pass",
        "",
    ],
)
def test_what_is_no_answer_has_no_fingerprint(source):
    assert print_of(source) is None


def test_short_answers_have_no_fingerprint():
    assert fingerprints(notebook_of("def weighted(x):\n    return x.mean()")) == {}


def test_equal_to_others_names_the_others_and_leaves_out_the_courses_own():
    prints = {
        "ada": {"nms": "1", "box_iou": "own"},
        "bob": {"nms": "1", "box_iou": "own"},
        "cy": {"nms": "2", "box_iou": "3"},
        "d\x1b[31m": {"nms": "1"},
    }
    assert equal_to_others(prints, {"box_iou": {"own"}}) == {
        "ada": [r"nms is the same as bob's, d\x1b[31m's, up to names."],
        "bob": [r"nms is the same as ada's, d\x1b[31m's, up to names."],
        "d\x1b[31m": ["nms is the same as ada's, bob's, up to names."],
    }


def test_equal_to_others_names_a_few_of_many():
    prints = {f"student {i:03}": {"nms": "1"} for i in range(200)}
    (remark,) = equal_to_others(prints, {})["student 000"]
    assert "student 001's" in remark
    assert "and 194 more" in remark


def test_equal_names_of_other_exercises_are_not_alike():
    assert equal_to_others({"ada": {"nms": "1"}, "bob": {"box_iou": "1"}}, {}) == {}


def test_copied_remarks_say_which():
    prints = {"nms": "1", "box_iou": "2"}
    assert copied_remarks(prints, {"nms": {"1", "3"}, "box_iou": {"1"}}) == [
        "nms is the course's own solution, up to names."
    ]


# The course's real chapters -----------------------------------------------------------------------


@functools.cache
def authored(path: Path):
    return nbformat.read(path, as_version=4)


@functools.cache
def own(path: Path, least=LEAST_NODES):
    return own_fingerprints(authored(path), authored(path), least)


def exercises_of(path: Path):
    calls = [check_call(cell.source) for cell in authored(path).cells if is_check(cell)]
    return {call.name: all_exercises()[f"{path.stem}.{call.name}"] for call in calls}


class Renamed(ast.NodeTransformer):
    """Gives the variables of a function other names; written apart from what is tested."""

    def __init__(self, function):
        names = [n.id for n in ast.walk(function) if isinstance(n, ast.Name)]
        stored = [
            n.id
            for n in ast.walk(function)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        ]
        arguments = [n.arg for n in ast.walk(function) if isinstance(n, ast.arg)]
        self.new = {name: f"my_{i}" for i, name in enumerate(dict.fromkeys(arguments + stored))}
        assert not set(self.new.values()) & set(names)

    def visit_Name(self, node):
        node.id = self.new.get(node.id, node.id)
        return node

    def visit_arg(self, node):
        node.arg = self.new[node.arg]
        node.annotation = None
        return node


def disguised(source: str) -> str:
    """Return a cell with other names in each function, with texts and without comments."""
    tree = ast.parse(source)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            Renamed(node).visit(node)
            node.body.insert(0, ast.Expr(ast.Constant("Mine!")))
    return ast.unparse(tree)


def solved(path: Path, change=lambda source: source):
    """Return a chapter's notebook with the book's answers."""
    notebook = copy.deepcopy(authored(path))
    for cell in notebook.cells:
        if is_solution(cell) and cell.cell_type == "code":
            cell.source = change(split_solution(cell.source)[1])
    return notebook


@every_chapter
@pytest.mark.parametrize("change", [str, disguised])
def test_the_books_answers_are_recognised(source, change):
    expected = {n for n, prints in fingerprints(solved(source), 1).items() if prints}
    assert set(exercises_of(source)) <= expected
    found = copied(fingerprints(solved(source, change), 1), own(source, 1))
    assert set(found) == set(exercises_of(source))


@every_chapter
@pytest.mark.parametrize("change", [str, disguised])
def test_the_librarys_references_are_recognised(source, change):
    prints = {}
    for name, exercise in exercises_of(source).items():
        module = inspect.getmodule(inspect.unwrap(exercise.reference))
        answer = change(inspect.getsource(module))
        checks = [cell for cell in authored(source).cells if is_check(cell)]
        notebook = new_notebook(cells=[new_code_cell(answer), *checks])
        prints[name] = fingerprints(notebook, 1)[name]
    assert copied(prints, own(source, 1)) == list(exercises_of(source))


def right_answers(path: Path, exercise: str):
    """Yield the right answers of the tests to an exercise, each as a cell."""
    file = ROOT / "tests" / path.stem / "answers" / f"{exercise}.py"
    text = file.read_text(encoding="utf-8") if file.exists() else "RIGHT = []"
    right = re.search(r"^RIGHT = \[(.*?)\]", text, re.DOTALL | re.MULTILINE).group(1)
    for answer in re.findall(r"\w+", right):
        yield answer, f"{text}\n{exercise} = {answer}"


@every_chapter
def test_no_right_answers_of_the_tests_are_alike_by_chance(source):
    """The longest that is, `bilinear_kernel` by `torch.outer`, has 60 nodes."""
    for exercise in exercises_of(source):
        prints = {
            answer: fingerprints(notebook_of(text, name=exercise), 61)
            for answer, text in right_answers(source, exercise)
        }
        assert equal_to_others(prints, {}) == {}
        assert [a for a, found in prints.items() if copied(found, own(source))] == []
        prints.pop("as_in_the_lecture", None)  # written with the book's answer in view
        assert [a for a, found in prints.items() if copied(found, own(source, 61))] == []


@every_chapter
def test_exercises_that_are_too_short_are_known(source):
    short = [name for name in exercises_of(source) if name not in own(source)]
    assert short == TOO_SHORT[source.stem].split()
