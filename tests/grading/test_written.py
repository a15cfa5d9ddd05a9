"""Written answers in the wrong place: a teacher reads them, and nothing else is taken for one."""

import copy

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell

from cvgen_course.grading.renew import renew
from cvgen_course.grading.repair import repair

ANSWER = "Because an addition costs less; 2 instead of 30 cycles."
STUB = "YOUR ANSWER HERE"


@pytest.fixture(params=["last", "followed"])
def release(lecture, request):
    """The lecture, once with the question at its end and once with a cell of text behind it."""
    released = copy.deepcopy(lecture)
    question = index(released, "Why is doubling")
    released.cells[question].source = (
        "> **Question**\n>\n> *(1 point)* Look at both functions.\n>\n"
        "> 1. Why is doubling cheaper? (1 point)\n> 2. Is squaring better or worse? (0 points)"
    )
    if request.param == "followed":
        released.cells.append(new_markdown_cell("## Further reading\n\n- Knuth on arithmetic"))
    return released


@pytest.fixture
def work(release):
    return copy.deepcopy(release)


def index(notebook, start):
    """The cell that holds a text."""
    return next(i for i, cell in enumerate(notebook.cells) if start in cell.source)


def written(notebook):
    flags = ((c, c.metadata.get("nbgrader", {})) for c in notebook.cells)
    return next(c for c, flag in flags if flag.get("grade_id") == "written")


def insert(notebook, start, cell, offset=1):
    notebook.cells.insert(index(notebook, start) + offset, cell)


def new_instead(work, cell):
    work.cells[index(work, STUB)] = cell


def new_at_the_end(work, cell):
    del work.cells[index(work, STUB)]
    work.cells.append(cell)


def question_deleted_too(work, cell):
    del work.cells[index(work, "**Question**")]
    new_instead(work, cell)


def below(work, cell):
    insert(work, STUB, cell)


def between(work, cell):
    insert(work, STUB, cell, 0)


def above_the_question(work, cell):
    insert(work, "**Question**", cell, 0)


def at_the_end(work, cell):
    work.cells.append(cell)


def renamed(work, cell):
    cell.metadata["nbgrader"] = {"grade_id": "my answer", "grade": True, "solution": True}
    new_instead(work, cell)


def emptied(work, cell):
    work.cells[index(work, STUB)].source = " "
    insert(work, "**Question**", cell)


PLACES = [
    new_instead,
    new_at_the_end,
    question_deleted_too,
    below,
    between,
    above_the_question,
    at_the_end,
    renamed,
    emptied,
]
CELLS = {
    "markdown": new_markdown_cell(ANSWER),
    "raw": new_raw_cell(ANSWER),
    "prose in a code cell": new_code_cell(ANSWER),
    "comment": new_code_cell(f"# {ANSWER}"),
    "string": new_code_cell(f'"""\n{ANSWER}\n"""'),
    "named string": new_code_cell(f'answer = "{ANSWER}"'),
    "printed": new_code_cell(f'print("{ANSWER}")'),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", CELLS)
def test_an_answer_in_a_cell_of_its_own_is_read(work, release, place, kind):
    place(work, copy.deepcopy(CELLS[kind]))
    repaired, remarks = repair(work, release)
    assert ANSWER in written(repaired).source
    assert written(repaired).cell_type == "markdown"
    assert written(repaired).metadata == written(release).metadata
    about = [remark for remark in remarks if "answer written was" in remark]
    assert len(about) == 1
    assert "for a teacher to read" in about[0]
    code = [cell.source for cell in repaired.cells if cell.cell_type == "code"]
    assert (CELLS[kind].source in code) == (CELLS[kind].cell_type == "code")  # code still runs
    text = [cell.source for cell in repaired.cells if cell.cell_type != "code"]
    assert sum(ANSWER in source for source in text) == 1
    assert repair(repaired, release) == (repaired, [])
    renewed, remarks = renew(work, release)
    assert ANSWER in written(renewed).source
    assert "for a teacher to read" in " ".join(remarks)


def below_it(source):
    return f"{source}\n\n{ANSWER}"


def above_it(source):
    return f"{ANSWER}\n\n{source}"


def in_the_list(source):
    return source.replace("> 2.", f">\n>    {ANSWER}\n>\n> 2.")


def on_the_line(source):
    return source.replace("cheaper? (1 point)", f"cheaper? (1 point) {ANSWER}")


def instead(source):
    return ANSWER


@pytest.mark.parametrize("edit", [below_it, above_it, in_the_list, on_the_line, instead])
@pytest.mark.parametrize("ids", ["kept", "lost"])
def test_an_answer_in_the_questions_own_cell_is_read(work, release, edit, ids):
    question = work.cells[index(work, "**Question**")]
    question.source = edit(question.source)
    if ids == "lost":
        for cell in work.cells:
            del cell["id"]
    repaired, _ = repair(work, release)
    assert ANSWER in written(repaired).source
    assert question.source in [cell.source for cell in repaired.cells]
    renewed, _ = renew(work, release)
    assert ANSWER in written(renewed).source


def test_a_merged_cell_is_read(work, release):
    question = work.cells[index(work, "**Question**")]
    question.source += f"\n\n{ANSWER}"
    del work.cells[index(work, STUB)]
    repaired, _ = repair(work, release)
    assert written(repaired).source == ANSWER
    question.source = question.source.replace(ANSWER, STUB)  # nobody answered
    repaired, _ = repair(work, release)
    assert written(repaired).source == STUB


def test_an_answer_on_top_of_the_next_cell_is_read(release):
    release.cells.append(new_markdown_cell("## Further reading\n\n- Knuth on arithmetic"))
    work = copy.deepcopy(release)
    following = work.cells[index(work, STUB) + 1]
    following.source = f"{ANSWER}\n\n{following.source}\n- More"
    repaired, _ = repair(work, release)
    assert written(repaired).source == ANSWER


def test_a_calculation_beside_the_stub_is_read(work, release):
    insert(work, "**Question**", new_code_cell("cheaper = 30 / 2\ncheaper"))
    repaired, _ = repair(work, release)
    assert "cheaper = 30 / 2" in written(repaired).source


@pytest.mark.parametrize("place", [new_at_the_end, question_deleted_too, above_the_question])
def test_a_calculation_farther_away_is_read_where_the_cell_is_missing(work, release, place):
    place(work, new_code_cell("cheaper = 30 / 2\ncheaper"))
    repaired, _ = repair(work, release)
    assert ("cheaper = 30 / 2" in written(repaired).source) == (place != above_the_question)


def test_a_split_answer_is_read_whole(work, release):
    place = index(work, STUB)
    first, second = copy.deepcopy(work.cells[place]), copy.deepcopy(work.cells[place])
    first.source, second.source, second.id = "1. cheaper", "2. worse", "another"
    work.cells[place : place + 1] = [first, second]
    repaired, remarks = repair(work, release)
    assert written(repaired).source == "1. cheaper\n\n2. worse"
    assert remarks == ["The answer written stood in 2 cells; all of it counts."]
    assert written(renew(work, release)[0]).source == "1. cheaper\n\n2. worse"


def test_pieces_come_together_in_their_order_with_their_pictures(work, release):
    for text, picture in (("first", "YQ=="), ("second", "Yg==")):
        cell = new_markdown_cell(f"{text} ![](attachment:image.png)")
        cell.attachments = {"image.png": {"image/png": picture}}
        work.cells.append(cell)
    repaired, remarks = repair(work, release)
    answer = written(repaired)
    assert answer.source == ("first ![](attachment:image.png)\n\nsecond ![](attachment:_image.png)")
    assert answer.attachments == {
        "image.png": {"image/png": "YQ=="},
        "_image.png": {"image/png": "Yg=="},
    }
    assert "in 2 other cells" in remarks[0]


def test_an_answer_with_fences_in_it_stays_one_block(work, release):
    insert(work, "**Question**", new_code_cell('"""```\nsix\n```"""'))
    repaired, _ = repair(work, release)
    assert written(repaired).source == '````python\n"""```\nsix\n```"""\n````'


def test_an_answer_that_lost_name_and_id_is_read(work, release):
    cell = work.cells[index(work, STUB)]
    cell.source, cell.metadata, cell.id = ANSWER, {}, "other"
    repaired, _ = repair(work, release)
    assert written(repaired).source == ANSWER


def unchanged(work):
    pass


def note_at_the_top(work):
    work.cells.insert(0, new_markdown_cell("My notes on all of this"))


def note_at_an_exercise(work):
    insert(work, "def double", new_markdown_cell("I add, since it is cheaper to add"))


def try_at_an_exercise(work):
    insert(work, "def square", new_code_cell('"""My own try of this function"""\nsquare(3)'))


def try_at_the_end(work):
    work.cells.append(new_code_cell("for x in range(3):  # a try\n    print(double(x))"))


def stray_blank_cells(work):
    work.cells += [new_markdown_cell("\n"), new_markdown_cell("---"), new_code_cell("")]


def bold_question(work):
    cell = work.cells[index(work, "**Question**")]
    cell.source = cell.source.replace("Why is", "**Why** is").replace("> 2", ">  2")


def old_words(work):
    cell = work.cells[index(work, "**Question**")]
    cell.source = cell.source.replace("doubling cheaper", "multiplying by two faster")


def lost_ids(work):
    for cell in work.cells:
        cell.pop("id", None)


def windows(work):
    for cell in work.cells:
        cell.source = cell.source.replace("\n", "\r\n")


def deleted(work):
    del work.cells[index(work, STUB)]


def doubled(work):
    work.cells += copy.deepcopy(work.cells[-4:])


@pytest.mark.parametrize(
    "change",
    [
        unchanged,
        note_at_the_top,
        note_at_an_exercise,
        try_at_an_exercise,
        try_at_the_end,
        stray_blank_cells,
        bold_question,
        old_words,
        lost_ids,
        windows,
        deleted,
        doubled,
    ],
)
@pytest.mark.parametrize("also", [unchanged, lost_ids])
def test_nothing_else_is_taken_for_an_answer(work, release, change, also):
    change(work)
    also(work)
    repaired, remarks = repair(work, release)
    assert written(repaired).source == written(release).source
    assert not any("answer written was found" in remark for remark in remarks)
    renewed, _ = renew(work, release)
    assert written(renewed).source == written(release).source


def test_an_answer_in_its_place_stays_as_it_is(work, release):
    work.cells[index(work, STUB)].source = ANSWER
    work.cells.append(new_markdown_cell("More words at the end"))
    repaired, remarks = repair(work, release)
    assert written(repaired).source == ANSWER
    assert repaired.cells[-1].source == "More words at the end"
    assert remarks == []


@pytest.mark.parametrize("source", ["", " \n", f"\n{STUB}  \r\n"])
def test_an_empty_answer_is_as_it_was_released(work, release, source):
    work.cells[index(work, STUB)].source = source
    repaired, _ = repair(work, release)
    assert written(repaired).source == STUB
