from cvgen_course.grading.remarks import LONGEST, MOST, bounded, listed, printable


def test_bounded_leaves_a_few_short_remarks_alone():
    assert bounded(["b", "a", "b"]) == ["b", "a"]


def test_bounded_counts_what_is_too_much_and_cuts_what_is_too_long():
    remarks = bounded(["x" * 5000, *(f"remark {i}" for i in range(5000))])
    assert len(remarks) == MOST + 1
    assert max(map(len, remarks)) == LONGEST
    assert remarks[-1] == f"There are {5001 - MOST:,} more remarks like these."


def test_listed_names_the_first_ones():
    assert listed(["b", "a", "b"]) == "b, a"
    assert listed([str(i) for i in range(3000)]) == "0, 1, 2, 3, 4 and 2,995 more"


def test_printable_escapes_what_terminals_obey():
    assert printable("Zoë \x1b[31m\n\udcff") == "Zoë \\x1b[31m\\n\\udcff"
