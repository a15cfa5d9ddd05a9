import copy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from cvgen_course.grading.repair import repair

ANSWER = "def double(x):\n    return 2 * x"


@pytest.fixture
def work(lecture):
    """The lecture with one answer."""
    notebook = copy.deepcopy(lecture)
    find(notebook, "double").source = ANSWER
    return notebook


def find(notebook, name):
    return notebook.cells[index(notebook, name)]


def index(notebook, name):
    return next(i for i, c in enumerate(notebook.cells) if flags(c).get("grade_id") == name)


def flags(cell):
    return cell.metadata.get("nbgrader", {})


def names(notebook):
    return [flags(c)["grade_id"] for c in notebook.cells if flags(c)]


def assert_gradable(notebook, lecture):
    """The graded cells stand in the release's order with its flags; the answer is the student's."""
    nbformat.validate(notebook)
    assert names(notebook) == names(lecture)
    for name in names(lecture):
        mine, original = find(notebook, name), find(lecture, name)
        assert mine.metadata == original.metadata
        assert (mine.cell_type, mine.id) == (original.cell_type, original.id)
        if not flags(original)["solution"]:
            assert mine.source == original.source
    assert len({c.id for c in notebook.cells}) == len(notebook.cells)


def test_repair_leaves_a_right_submission_as_it_is(work, lecture):
    before = copy.deepcopy(work)
    repaired, remarks = repair(work, lecture)
    assert remarks == []
    assert repaired == before
    assert work == before


def test_repair_is_idempotent(work, lecture):
    del work.cells[index(work, "test_double")]
    once, _ = repair(work, lecture)
    twice, remarks = repair(once, lecture)
    assert (twice, remarks) == (once, [])


def test_repair_drops_outputs_and_foreign_metadata(work, lecture):
    for cell in work.cells:
        cell.metadata["tags"] = ["skip-execution"]
        cell.metadata["collapsed"] = True
        if cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("execute_result", data={"text/plain": "2.0"})]
    work.metadata = {"kernelspec": {"name": "evil"}, "widgets": {"x": 1}}
    repaired, remarks = repair(work, lecture)
    assert_gradable(repaired, lecture)
    assert remarks == []
    assert repaired.metadata == lecture.metadata
    assert all(not c.get("outputs") for c in repaired.cells)
    assert [c.metadata for c in repaired.cells] == [c.metadata for c in lecture.cells]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("test_double", {"points": 100}),
        ("test_double", {"grade": False}),
        ("test_double", {"solution": True, "locked": False}),
        ("test_double", {"schema_version": 1, "checksum": "0"}),
        ("double", {"locked": True, "solution": False}),
        ("double", {"grade": True, "points": 50}),
        ("written", {"grade": False}),
    ],
)
def test_repair_puts_changed_flags_back(work, lecture, name, change):
    flags(find(work, name)).update(change)
    repaired, _ = repair(work, lecture)
    assert_gradable(repaired, lecture)
    assert find(repaired, "double").source == ANSWER


@pytest.mark.parametrize("name", ["double", "test_double", "square", "test_square", "written"])
def test_repair_puts_a_deleted_cell_back(work, lecture, name):
    del work.cells[index(work, name)]
    repaired, remarks = repair(work, lecture)
    assert_gradable(repaired, lecture)
    assert [c.source for c in repaired.cells].index(find(lecture, name).source) == index(
        repaired, name
    )
    assert len(remarks) == 1
    assert f"{name} was missing" in remarks[0]


def test_repair_puts_a_deleted_check_behind_the_students_own_cells(work, lecture):
    place = index(work, "test_square")
    work.cells[place] = new_code_cell("def square(x):\n    return x * x  # in a cell of my own")
    find(work, "square").source = "# see below"
    repaired, _ = repair(work, lecture)
    assert_gradable(repaired, lecture)
    sources = [c.source for c in repaired.cells]
    own = next(i for i, source in enumerate(sources) if "of my own" in source)
    assert own < index(repaired, "test_square")


def test_repair_rebuilds_a_notebook_without_any_cell(work, lecture):
    work.cells = []
    repaired, remarks = repair(work, lecture)
    assert_gradable(repaired, lecture)
    assert len(remarks) == 6


def test_repair_lets_one_of_several_copies_count(work, lecture):
    for name in ("double", "test_double", "written"):
        work.cells.insert(index(work, name) + 1, copy.deepcopy(find(work, name)))
    work.cells[index(work, "double") + 1].source = find(lecture, "double").source
    repaired, remarks = repair(work, lecture)
    assert_gradable(repaired, lecture)
    assert find(repaired, "double").source == ANSWER
    assert len(remarks) == 3
    assert all("was there 2 times" in remark for remark in remarks)
    sources = [c.source for c in repaired.cells]
    assert sources.count(find(lecture, "test_double").source) == 1


def test_repair_keeps_the_students_extra_cells_in_place(work, lecture):
    work.cells.insert(0, new_markdown_cell("My notes"))
    work.cells.insert(index(work, "test_double"), new_code_cell("helper = 1"))
    repaired, remarks = repair(work, lecture)
    assert_gradable(repaired, lecture)
    assert [c.source for c in repaired.cells] == [c.source for c in work.cells]
    assert remarks == []


def test_repair_recognises_cells_that_lost_their_metadata(work, lecture):
    for cell in work.cells:
        cell.metadata = {}
    repaired, remarks = repair(work, lecture)
    assert_gradable(repaired, lecture)
    assert find(repaired, "double").source == ANSWER
    assert all("lost its name" in remark for remark in remarks)


def test_repair_recognises_answers_by_the_function_they_define(work, lecture):
    for cell in work.cells:
        cell.metadata = {}
        del cell["id"]
    find_double = next(c for c in work.cells if c.source == ANSWER)
    find_double.source = f"import math\n\n\n{ANSWER}"
    repaired, _ = repair(work, lecture)
    assert_gradable(repaired, lecture)
    assert find(repaired, "double").source.endswith(ANSWER)


def test_repair_recognises_a_renamed_cell(work, lecture):
    flags(find(work, "double"))["grade_id"] = "my_double"
    flags(find(work, "test_double"))["grade_id"] = "my_test"
    repaired, remarks = repair(work, lecture)
    assert_gradable(repaired, lecture)
    assert find(repaired, "double").source == ANSWER
    assert "The cell double had lost its name; it was recognised." in remarks
    assert "A cell calls itself graded as my_test; it is not." in remarks


def test_repair_drops_an_invented_exercise(work, lecture):
    cell = new_code_cell("100.0")
    cell.metadata["nbgrader"] = {**flags(find(work, "test_double")), "grade_id": "bonus"}
    work.cells.append(cell)
    repaired, remarks = repair(work, lecture)
    assert_gradable(repaired, lecture)
    assert remarks == ["A cell calls itself graded as bonus; it is not."]


@pytest.mark.parametrize("name", ["double", "test_double", "written"])
@pytest.mark.parametrize("cell_type", ["code", "markdown", "raw"])
def test_repair_turns_a_cell_back_into_its_type(work, lecture, name, cell_type):
    place = index(work, name)
    old = work.cells[place]
    new = getattr(nbformat.v4, f"new_{cell_type}_cell")(old.source)
    new.metadata, new.id = old.metadata, old.id
    work.cells[place] = new
    repaired, remarks = repair(work, lecture)
    assert_gradable(repaired, lecture)
    assert find(repaired, name).source == old.source
    assert len(remarks) == (0 if cell_type == old.cell_type else 1)


def test_repair_puts_edited_checks_back(work, lecture):
    find(work, "test_double").source = "2.0"
    repaired, remarks = repair(work, lecture)
    assert_gradable(repaired, lecture)
    assert remarks == ["The locked cell test_double was edited; it was put back."]


def test_repair_puts_the_order_back_and_takes_extra_cells_along(work, lecture):
    work.cells.insert(index(work, "double") + 1, new_code_cell("after_double = 1"))
    cells = work.cells
    check = cells.pop(index(work, "test_double"))
    cells.insert(0, check)
    repaired, remarks = repair(work, lecture)
    assert_gradable(repaired, lecture)
    assert "order was put back" in remarks[0]
    sources = [c.source for c in repaired.cells]
    assert index(repaired, "double") < sources.index("after_double = 1")
    assert sources.index("after_double = 1") < index(repaired, "test_double")


def test_repair_restores_tags_of_the_lectures_own_cells_only(work, lecture):
    place = next(i for i, c in enumerate(work.cells) if c.source == "double(21)")
    work.cells[place].metadata = {"tags": ["skip-execution"]}
    own = new_code_cell("mine", metadata={"tags": ["raises-exception", "skip-execution"]})
    work.cells.append(own)
    repaired, _ = repair(work, lecture)
    assert repaired.cells[place].metadata == {"tags": ["raises-exception"]}
    assert repaired.cells[-1].metadata == {}


def test_repair_keeps_pictures_in_a_written_answer(work, lecture):
    find(work, "written").attachments = {"a.png": {"image/png": "aGk="}}
    repaired, _ = repair(work, lecture)
    assert find(repaired, "written").attachments == {"a.png": {"image/png": "aGk="}}


def test_repair_takes_nothing_for_granted(work, lecture):
    work.cells += [
        "text",
        None,
        {},
        {"cell_type": "heading", "source": ""},
        {"cell_type": "code", "source": 3},
        {"cell_type": "code", "source": ["a = ", 1, "2\n", "b = 3"], "metadata": None, "id": 7},
        {"cell_type": "markdown", "source": "\ud800", "attachments": {"x": 1}, "id": "not valid!"},
        {"cell_type": "code", "metadata": {"nbgrader": {"grade_id": ["list"]}}},
        {"cell_type": "code", "source": "def (:", "metadata": {"nbgrader": "yes"}, "id": "double"},
    ]
    repaired, remarks = repair(work, lecture)
    assert_gradable(repaired, lecture)
    assert remarks[0] == "5 cells could not be read."
    assert "a = 2\nb = 3" in [c.source for c in repaired.cells]


def test_repair_puts_no_empty_answer_behind_one_in_another_cell(work, lecture):
    place = index(work, "double")
    work.cells[place].metadata = {}
    work.cells[place].id = "other"
    work.cells[place].source = f"import math\n\n\n{ANSWER}\n\n\ndef square(x):\n    return x * x"
    del work.cells[index(work, "square")]
    repaired, remarks = repair(work, lecture)
    assert_gradable(repaired, lecture)
    code = [c.source for c in repaired.cells if "def square" in c.source]
    assert code == [work.cells[place].source]
    assert "The answer square was found in another cell." in remarks


def test_repair_puts_the_lectures_imports_back(work, lecture):
    imports = next(c for c in lecture.cells if c.cell_type == "code" and not flags(c))
    work.cells = [c for c in work.cells if c.id != imports.id]
    repaired, remarks = repair(work, lecture)
    assert_gradable(repaired, lecture)
    assert [c.source for c in repaired.cells if c.cell_type == "code"] == [
        c.source if flags(c).get("grade_id") != "double" else ANSWER
        for c in lecture.cells
        if c.cell_type == "code"
    ]
    assert remarks == ["1 of the lecture's code cells were missing; they were put back."]


def test_repair_leaves_an_edited_cell_of_the_lecture_alone(work, lecture):
    cell = next(c for c in work.cells if c.cell_type == "code" and not flags(c))
    cell.source += "\nMINE = True"
    repaired, remarks = repair(work, lecture)
    assert [c.source for c in repaired.cells] == [c.source for c in work.cells]
    assert remarks == []


@pytest.mark.parametrize("ends", ["\r\n", "\r", "\r\r\n", "  \n"])
@pytest.mark.parametrize("ids", ["kept", "lost"])
def test_repair_sees_no_edit_in_other_ends_of_lines(work, lecture, ends, ids):
    for cell in work.cells:
        cell.source = cell.source.replace("\n", ends) + ends
        if ids == "lost":
            del cell["id"]
    repaired, remarks = repair(work, lecture)
    assert_gradable(repaired, lecture)
    assert remarks == []
    assert len(repaired.cells) == len(lecture.cells)
    assert [c.metadata for c in repaired.cells] == [c.metadata for c in lecture.cells]
    if "\r" in ends:
        assert find(repaired, "double").source == f"{ANSWER}\n"


def test_repair_sees_no_edit_in_a_layout_that_an_editor_changed(work, lecture):
    find(
        work, "test_double"
    ).source = "from toy import check  # sorted\n\n\ncheck('double', globals(),)"
    repaired, remarks = repair(work, lecture)
    assert_gradable(repaired, lecture)
    assert remarks == []


@pytest.mark.parametrize(
    "source",
    [
        "from toy import check\ncheck('square', globals())",
        "from toy import check\ncheck('double', {})",
        "from toy import check\n2.0",
        "from toy import check\ncheck('double', globals()",
    ],
)
def test_repair_sees_every_real_edit(work, lecture, source):
    find(work, "test_double").source = source
    repaired, remarks = repair(work, lecture)
    assert_gradable(repaired, lecture)
    assert remarks == ["The locked cell test_double was edited; it was put back."]


def test_repair_says_one_sentence_on_many_invented_exercises(work, lecture):
    for i in range(500):
        cell = new_code_cell("100.0")
        cell.metadata["nbgrader"] = {"grade_id": f"bonus{i} {'x' * 900}", "grade": True}
        work.cells.append(cell)
    repaired, remarks = repair(work, lecture)
    assert_gradable(repaired, lecture)
    assert len(remarks) == 1
    assert remarks[0].endswith("and 495 more; they are not.")
    assert len(remarks[0]) <= 400


def test_repair_gives_lecture_code_back_that_was_turned_into_text(work, lecture):
    place = next(i for i, c in enumerate(work.cells) if "import os" in c.source)
    work.cells[place] = new_markdown_cell(work.cells[place].source, id=work.cells[place].id)
    repaired, remarks = repair(work, lecture)
    assert_gradable(repaired, lecture)
    code = [c.source for c in repaired.cells if c.cell_type == "code"]
    assert work.cells[place].source in code
    assert remarks == ["1 of the lecture's code cells were missing; they were put back."]


def test_repair_recognises_an_empty_answer_without_name(work, lecture):
    cell = find(work, "written")
    cell.metadata, cell.id = {}, "other"
    repaired, remarks = repair(work, lecture)
    assert_gradable(repaired, lecture)
    assert len(repaired.cells) == len(lecture.cells)
    assert remarks == ["The cell written had lost its name; it was recognised."]


def test_repair_of_swapped_cells_leaves_the_others_where_they_were(work, lecture):
    one, two = index(work, "double"), index(work, "square")
    work.cells[one], work.cells[two] = work.cells[two], work.cells[one]
    repaired, remarks = repair(work, lecture)
    assert_gradable(repaired, lecture)
    assert [c.id for c in repaired.cells] == [c.id for c in lecture.cells]
    assert remarks == ["Graded cells had changed places; their order was put back."]
