import pytest

from cvgen_course.errors import CourseError
from cvgen_course.grading.course import Course
from cvgen_course.grading.gradebook import opened
from cvgen_course.grading.roster import import_roster, read_roster

TABLE = "id,first_name,last_name,email\nada,Ada,Müller,a@x.org\nbob,Bob,Łuk,\n"
WANTED = [
    {"id": "ada", "first_name": "Ada", "last_name": "Müller", "email": "a@x.org"},
    {"id": "bob", "first_name": "Bob", "last_name": "Łuk", "email": ""},
]


@pytest.mark.parametrize(
    "data",
    [
        TABLE.encode(),
        TABLE.encode("utf-8-sig"),
        TABLE.replace(",", ";").encode("utf-8-sig"),
        TABLE.replace(",", "\t").encode("utf-16"),
        TABLE.replace("\n", "\r\n").replace("first_name", '"First name"').encode(),
        (TABLE + ",,,\n\n").encode(),
        TABLE.replace("email", "email,group").encode(),
    ],
)
def test_read_roster_reads_what_spreadsheets_save(tmp_path, data):
    (tmp_path / "roster.csv").write_bytes(data)
    assert read_roster(tmp_path / "roster.csv") == WANTED


def test_read_roster_reads_windows_own_text(tmp_path):
    (tmp_path / "roster.csv").write_bytes("id;last_name\nada;Müller\n".encode("cp1252"))
    assert read_roster(tmp_path / "roster.csv") == [{"id": "ada", "last_name": "Müller"}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "got an empty file"),
        ("name,email\nada,x\n", "expected a first line with the column id.*got name, email"),
        ("id\nada\nada\n", "line 3: the id 'ada' is there twice"),
        ("id,email\n,x\n", "line 2: the id '' can't be the name of a folder"),
        ("id\n../x\n", "can't be the name of a folder"),
    ],
)
def test_read_roster_says_what_it_expects(tmp_path, text, message):
    (tmp_path / "roster.csv").write_text(text)
    with pytest.raises(CourseError, match=message):
        read_roster(tmp_path / "roster.csv")


def test_import_roster_tells_the_gradebook_and_may_come_twice(ready):
    (ready / "roster.csv").write_bytes(TABLE.encode("utf-8-sig"))
    assert import_roster(ready, ready / "roster.csv") == 2
    assert import_roster(ready, ready / "roster.csv") == 2
    with opened(Course.find(ready)) as book:
        found = {s.id: (s.first_name, s.last_name, s.email) for s in book.students}
    assert found == {"ada": ("Ada", "Müller", "a@x.org"), "bob": ("Bob", "Łuk", None)}
