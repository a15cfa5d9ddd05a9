import ast

import pytest

from cvgen_course.notebooks.names import names_in, root


def names(source):
    return names_in(ast.parse(source))


def outer(source):
    """Return what a cell reads without having bound it before."""
    return {name for name, bound in names(source).loads.items() if name not in bound}


@pytest.mark.parametrize(
    ("source", "read"),
    [
        ("x = a\ny = x", {"a"}),
        ("for i in a:\n    j = i\n    j + 1", {"a"}),
        ("for i in a:\n    j = i\nj", {"a", "j"}),
        ("if a:\n    x = 1\nelse:\n    x = 2\nx", {"a"}),
        ("if a:\n    x = 1\nx", {"a", "x"}),
        ("with a:\n    x = 1\nx", {"a", "x"}),
        ("with torch.no_grad():\n    x = 1\nx", set()),
        ("try:\n    x = 1\nexcept a:\n    pass\nx", {"a", "x"}),
        ("[i for i in a if b]", {"a", "b"}),
        ("f = lambda i: i + a", {"a"}),
        ("x = 1\ndel x\nx", {"x"}),
        ("x += 1", {"x"}),
        ("x[0] = a", {"x", "a"}),
        ("def f(i=a) -> b:\n    return c", {"a", "b"}),
        ("class A(a):\n    x = b\n    y = x\n    def f(self):\n        return c", {"a", "b", "x"}),
        ("print(f'{a!r:{b}}')", {"print", "a", "b"}),
        ("await a", {"a"}),
    ],
)
def test_names_in_tells_what_a_cell_reads_of_others(source, read):
    assert outer(source) - {"__name__"} == read


def test_names_in_tells_how_names_are_bound():
    source = "import a.b\nimport c.d as e\nfrom f import g\nn = 1, -2\nx = [n]\ndef h(): pass"
    bound = {"a": "import a", "e": "import c.d", "g": "import f.g", "n": "constant"}
    bound |= {"x": "value", "h": "definition"}
    assert names(source).binds == {name: {how} for name, how in bound.items()}


@pytest.mark.parametrize(
    "source",
    [
        "@a\ndef f():\n    pass",
        "def f(x=[]):\n    pass",
        "class f:\n    x = []",
        "class f:\n    def g(self, x={}):\n        pass",
    ],
)
def test_names_in_takes_what_can_hold_state_for_a_value(source):
    assert names(source).binds == {"f": {"value"}}


def test_names_in_tells_what_functions_read_and_bind():
    found = names("def f(x):\n    global n\n    n = x\n    return lambda: a + x")
    assert found.bodies == {"f": {"n", "a"}}
    assert found.binds == {"f": {"definition"}, "n": {"value"}}
    assert "n" not in found.surely


def test_names_in_tells_what_changes():
    found = names("a.x = 1\nb[0].y += 1\nc.append(1)\ndef f(d):\n    d.x = 1\n    d.sort()")
    assert found.stores == {"a", "b"}
    assert found.calls == {("c", "append")}


def test_names_in_refuses_what_python_does_not_compile():
    with pytest.raises(SyntaxError):
        names("x = 1\nreturn x")


def test_root_is_the_name_that_an_expression_starts_from():
    assert root(ast.parse("a.b().c[0]", mode="eval").body) == "a"
    assert root(ast.parse("(a + b).c", mode="eval").body) == ""
