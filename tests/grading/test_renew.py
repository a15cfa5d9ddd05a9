import copy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from cvgen_course.errors import SubmissionError
from cvgen_course.grading.renew import renew, renew_file, renew_files

ANSWER = "def double(x):\n    return 2 * x"


def index(notebook, name):
    flags = [cell.metadata.get("nbgrader", {}) for cell in notebook.cells]
    return next(i for i, each in enumerate(flags) if each.get("grade_id") == name)


@pytest.fixture
def mine(lecture):
    """The lecture with one answer and two cells of the student's own around it."""
    notebook = copy.deepcopy(lecture)
    place = index(notebook, "double")
    notebook.cells[place].source = ANSWER
    notebook.cells.insert(place + 1, new_code_cell("double(3)  # a try of mine"))
    notebook.cells.insert(0, new_markdown_cell("My notes"))
    return notebook


@pytest.fixture
def update(lecture):
    """A later release: other words, and one new cell at the top."""
    notebook = copy.deepcopy(lecture)
    notebook.cells[0].source += "\n\nA sentence that was missing."
    notebook.cells.insert(1, new_markdown_cell("A new paragraph"))
    return notebook


def test_renew_puts_the_answer_into_the_update(mine, update):
    before = copy.deepcopy(mine)
    renewed, remarks = renew(mine, update)
    assert renewed.cells[index(renewed, "double")].source == ANSWER
    update.cells[index(update, "double")].source = ANSWER
    own = ("My notes", "double(3)  # a try of mine")
    assert [c.source for c in renewed.cells if c.source not in own] == [
        c.source for c in update.cells
    ]
    assert remarks[0].startswith("1 of")
    assert "double" in remarks[0]
    assert mine == before
    nbformat.validate(renewed)


def test_renew_keeps_own_cells_in_their_places(mine, update):
    renewed, remarks = renew(mine, update)
    assert renewed.cells[0].source == "My notes"
    assert renewed.cells[index(renewed, "double") + 1].source == "double(3)  # a try of mine"
    assert "2 cells that the lecture does not have were kept in their places." in remarks


def test_renew_of_a_lecture_without_answers_changes_nothing(lecture):
    renewed, remarks = renew(lecture, lecture)
    assert renewed.cells == lecture.cells
    assert "Still empty: double" in remarks[1]


@pytest.mark.parametrize("damage", ["lost name", "deleted check", "doubled", "raw cell"])
def test_renew_mends_a_broken_notebook(mine, lecture, damage):
    place = index(mine, "double")
    if damage == "lost name":
        mine.cells[place].metadata = {}
        mine.cells[place].id = "other"
    elif damage == "deleted check":
        del mine.cells[index(mine, "test_double")]
    elif damage == "doubled":
        mine.cells.append(copy.deepcopy(lecture.cells[index(lecture, "double")]))
    else:
        mine.cells[place].cell_type = "raw"
    renewed, _ = renew(mine, lecture)
    names = [c.metadata.get("nbgrader", {}).get("grade_id") for c in renewed.cells]
    released = [c.metadata.get("nbgrader", {}).get("grade_id") for c in lecture.cells]
    assert [n for n in names if n] == [n for n in released if n]
    solution = renewed.cells[index(renewed, "double")]
    assert (solution.source, solution.cell_type) == (ANSWER, "code")


def test_renew_takes_an_answer_below_the_stubs_comment(lecture):
    mine = copy.deepcopy(lecture)
    answer = 'def double(x):\n    """Return twice x."""\n    # YOUR CODE HERE\n    return 2 * x'
    mine.cells[index(mine, "double")].source = answer
    renewed, remarks = renew(mine, lecture)
    assert renewed.cells[index(renewed, "double")].source == answer
    assert "taken over: double." in remarks[0]


def test_renew_of_a_blank_takes_the_new_stub(lecture):
    update = copy.deepcopy(lecture)
    cell = update.cells[index(update, "double")]
    cell.source = cell.source.replace("Return twice x.", "Return two times x.")
    renewed, _ = renew(lecture, update)
    assert renewed == update


def test_renew_keeps_all_pieces_of_an_answer_cell_that_was_split(mine, lecture):
    place = index(mine, "double")
    helper, rest = copy.deepcopy(mine.cells[place]), copy.deepcopy(mine.cells[place])
    helper.source, helper.id = "def two():\n    return 2", "helper"
    rest.source, rest.id = "assert double(1) == 2", "rest"
    mine.cells[place : place + 1] = [helper, mine.cells[place], rest]
    renewed, remarks = renew(mine, lecture)
    sources = [cell.source for cell in renewed.cells]
    assert (
        sources.index(helper.source)
        < sources.index(ANSWER)
        < sources.index("assert double(1) == 2")
    )
    assert "The cell double was there 3 times; one counts." in remarks


def test_renew_keeps_answers_that_are_no_longer_asked(mine, lecture):
    update = copy.deepcopy(lecture)
    del update.cells[index(update, "double")]
    renewed, _ = renew(mine, update)
    assert ANSWER in [cell.source for cell in renewed.cells]
    assert not any("nbgrader" in c.metadata for c in renewed.cells if c.source == ANSWER)


def test_renew_names_what_reads_differently(mine, lecture):
    update = copy.deepcopy(lecture)
    cell = update.cells[index(update, "double")]
    cell.source = cell.source.replace("Return twice x.", "Return two times x.")
    update.cells[0].source += " And more."
    _, remarks = renew(mine, update)
    assert "double: compare its first line and docstring with the lecture's." in remarks
    assert any(text.startswith("1 of the lecture's own cells read differently") for text in remarks)


def test_renew_files_renews_all_lectures_of_a_folder(tmp_path, mine, update):
    for chapter in ("01_tiny", "02_small", "03_new"):
        (tmp_path / "lectures" / chapter).mkdir(parents=True)
        nbformat.write(update, tmp_path / "lectures" / chapter / "name.ipynb")
    for chapter in ("01_tiny", "02_small"):
        (tmp_path / "mine" / chapter).mkdir(parents=True)
        nbformat.write(mine, tmp_path / "mine" / chapter / "name.ipynb")
        for tree in ("mine", "lectures"):  # what macOS leaves on foreign disks
            (tmp_path / tree / chapter / "._name.ipynb").write_bytes(b"\0\5\x16\7 \xff")
    renewed = [path for path, _ in renew_files(tmp_path / "mine", tmp_path / "lectures")]
    assert [path.parent.name for path in renewed] == ["01_tiny", "02_small"]
    for path in renewed:
        assert ANSWER in [cell.source for cell in nbformat.read(path, 4).cells]
    with pytest.raises(SubmissionError, match="expected two notebooks or two folders"):
        list(renew_files(tmp_path / "mine", renewed[0]))
    with pytest.raises(SubmissionError, match=r"expected <chapter>/<name>\.ipynb"):
        list(renew_files(tmp_path, tmp_path / "lectures"))


@pytest.mark.parametrize(
    "there",
    [
        "def double(x):\n    return x + x",
        "def double(x):\n    # YOUR CODE HERE\n    return x + x",
        "def double(x):\n    y = 2 * x\n    raise NotImplementedError()",
        "double = lambda x: x + x",
        "def double(x:\n    half an answer",
    ],
)
@pytest.mark.parametrize("own", ["answer", "blank"])
def test_renew_file_overwrites_no_other_answer(tmp_path, mine, lecture, there, own):
    old, fresh = tmp_path / "mine.ipynb", tmp_path / "lecture.ipynb"
    nbformat.write(mine if own == "answer" else lecture, old)
    other = copy.deepcopy(lecture)
    other.cells[index(other, "double")].source = there
    nbformat.write(other, fresh)
    before = fresh.read_bytes()
    if own == "answer":
        with pytest.raises(SubmissionError, match="other answers to double"):
            renew_file(old, fresh)
        assert fresh.read_bytes() == before
    else:  # a blank takes nothing away
        renew_file(old, fresh)
        assert there in [cell.source for cell in nbformat.read(fresh, 4).cells]


def test_renew_file_leaves_the_old_file_and_writes_the_new_one(tmp_path, mine, update):
    old, fresh = tmp_path / "mine.ipynb", tmp_path / "lecture.ipynb"
    nbformat.write(mine, old)
    nbformat.write(update, fresh)
    before = old.read_bytes()
    renew_file(old, fresh)
    assert old.read_bytes() == before
    assert ANSWER in [cell.source for cell in nbformat.read(fresh, 4).cells]
    again = fresh.read_bytes()
    renew_file(old, fresh)  # the same answers once more
    assert fresh.read_bytes() == again


@pytest.mark.parametrize("content", [b"", b"<<<<<<< HEAD\n{}", b"[]", b"\xff\xfe"])
def test_renew_file_says_what_can_not_be_read(tmp_path, lecture, content):
    old, fresh = tmp_path / "mine.ipynb", tmp_path / "lecture.ipynb"
    old.write_bytes(content)
    nbformat.write(lecture, fresh)
    with pytest.raises(SubmissionError, match=r"mine\.ipynb: The .*checkpoints"):
        renew_file(old, fresh)
    with pytest.raises(SubmissionError, match="no such file"):
        renew_file(tmp_path / "none.ipynb", fresh)


@pytest.mark.parametrize("ids", ["kept", "lost"])
def test_renew_sees_no_change_in_other_ends_of_lines(mine, lecture, ids):
    for cell in mine.cells:
        cell.source = cell.source.replace("\n", "\r\n")
        if ids == "lost":
            del cell["id"]
    renewed, remarks = renew(mine, lecture)
    assert len(renewed.cells) == len(lecture.cells) + 2
    assert renewed.cells[index(renewed, "double")].source == ANSWER
    assert not any("read differently" in remark for remark in remarks)
    assert "2 cells that the lecture does not have were kept in their places." in remarks


def test_renew_file_takes_a_fresh_lecture_with_other_ends_of_lines(tmp_path, mine, lecture):
    old, fresh = tmp_path / "mine.ipynb", tmp_path / "lecture.ipynb"
    nbformat.write(mine, old)
    for cell in lecture.cells:
        cell.source = cell.source.replace("\n", "\r\n")
    nbformat.write(lecture, fresh)
    remarks = renew_file(old, fresh)
    assert not any("differently" in remark for remark in remarks)
    assert "\r" not in "".join(cell.source for cell in nbformat.read(fresh, 4).cells)


HELPERS = {
    "nested": """def double(x):
    \"\"\"Return twice x.\"\"\"
    def times(factor):
        \"\"\"Return the product.\"\"\"
        return factor * x
    return times(2)""",
    "beside": """def two():
    return 2


def double(x):
    \"\"\"Return twice x.\"\"\"
    return two() * x


class Other:
    def double(self, y):
        return y""",
}


@pytest.mark.parametrize("answer", HELPERS.values(), ids=HELPERS)
def test_renew_compares_only_what_the_lecture_asks_for(mine, lecture, answer):
    mine.cells[index(mine, "double")].source = answer
    assert not any("compare" in remark for remark in renew(mine, lecture)[1])
    mine.cells[index(mine, "double")].source = answer.replace("def double(x)", "def double(x, n)")
    assert any("double: compare" in remark for remark in renew(mine, lecture)[1])


def test_renew_compares_methods_too(mine, lecture):
    cell = lecture.cells[index(lecture, "double")]
    cell.source = "class Double:\n    def forward(self, x):\n        raise NotImplementedError()"
    answer = "class Double:\n    def forward(self, x):\n        return self.two() * x\n\n"
    answer += "    def two(self):\n        return 2"
    mine.cells[index(mine, "double")].source = answer
    assert not any("compare" in remark for remark in renew(mine, lecture)[1])
    cell.source = cell.source.replace("self, x", "self, x, y")
    assert any("double: compare" in remark for remark in renew(mine, lecture)[1])


def test_renew_takes_an_answer_that_stands_beside_the_stub(lecture):
    mine = copy.deepcopy(lecture)
    mine.cells[index(mine, "double")].source += "\n\ndouble = lambda x: 2 * x"
    renewed, remarks = renew(mine, lecture)
    assert renewed.cells[index(renewed, "double")].source.endswith("2 * x")
    assert "taken over: double." in remarks[0]
