from functools import partial

import pytest
from support import toy_models

from cvgen_course import provenance, training
from cvgen_course.training.code import code_of

NUMBER = 1


def same(source, other, name="f"):
    """Return whether two modules' functions of a name have the same code."""
    found = []
    for text in (source, other):
        namespace = {"__name__": "notebook"}
        exec(text, namespace)
        found.append(code_of(namespace[name]))
    return found[0] == found[1]


@pytest.mark.parametrize(
    ("source", "other"),
    [
        ("def f(): return 1", "def f():\n    'What it does.'\n    return 1  # why"),
        ("a = 1\ndef f(): return 1", "a = 2\ndef f(): return 1"),
        ("f = lambda: 1", "def f(): return 1"),
        ("def f(): return {'a', 'b', 'c'} == 1", "def f(): return {'c', 'b', 'a'} == 1"),
    ],
)
def test_code_of_stays_where_nothing_changes_that_matters(source, other):
    assert same(source, other)


@pytest.mark.parametrize(
    ("source", "other"),
    [
        ("def f(): return 1", "def f(): return 2"),
        ("def f(x): return x + 1", "def f(x): return x - 1"),
        ("def f(x=1): return x", "def f(x=2): return x"),
        ("def f(*, x=1): return x", "def f(*, x=2): return x"),
        ("a = 1\ndef f(): return a", "a = 2\ndef f(): return a"),
        ("a = [1, {'b': 2}]\ndef f(): return a", "a = [1, {'b': 3}]\ndef f(): return a"),
        ("a = 1\ndef f(): return [a for _ in 'x']", "a = 2\ndef f(): return [a for _ in 'x']"),
        ("def g(): return 1\ndef f(): return g()", "def g(): return 2\ndef f(): return g()"),
        (
            "class A:\n  def g(self): return 1\ndef f(): return A()",
            "class A:\n  def g(self): return 2\ndef f(): return A()",
        ),
        (
            "class A:\n  b = 1\nclass C(A): pass\ndef f(): return C()",
            "class A:\n  b = 2\nclass C(A): pass\ndef f(): return C()",
        ),
        (
            "class A:\n  @property\n  def g(self): return 1\nf = A",
            "class A:\n  @property\n  def g(self): return 2\nf = A",
        ),
        (
            "def h(a):\n  return lambda: a\nf = h(1)",
            "def h(a):\n  return lambda: a\nf = h(2)",
        ),
    ],
)
def test_code_of_changes_with_all_that_a_function_names(source, other):
    assert not same(source, other)


def test_code_of_takes_functions_that_name_each_other():
    assert same(
        "def f(): return g()\ndef g(): return f()", "def f(): return g()\ndef g(): f()"
    ) is (False)


def test_code_of_takes_parts_and_their_arguments():
    assert code_of(partial(same, "a")) == code_of(partial(same, "a"))
    assert code_of(partial(same, "a")) != code_of(partial(same, "b"))


def test_code_of_asks_provenance_about_the_package(monkeypatch):
    asked = []

    def hash_of(*modules, sources=()):
        asked.extend(sources)
        return provenance.code_hash(*modules, sources=sources)

    monkeypatch.setattr("cvgen_course.training.code.code_hash", hash_of)

    def train(model):
        training.fit(model, toy_models.Points(), toy_models.reconstruction_loss)

    code_of(train)
    lines = asked[0].splitlines()
    assert "from cvgen_course.training import fit" in lines
    assert "from support.toy_models import Points" in lines
    code_of(training.fit)
    assert "import cvgen_course.training.loop" in asked[1].splitlines()
