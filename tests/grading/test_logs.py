import logging

import pytest

from cvgen_course.grading.logs import captured


def several_lines():
    raise ValueError("what is wrong\n\nOn instance:\n{'a': 1}\nNone")


def no_message():
    raise KeyError


@pytest.mark.parametrize(
    ("fail", "complaint"),
    [(several_lines, "ValueError: what is wrong"), (no_message, "KeyError"), (None, "last")],
)
def test_complaint_is_the_error_itself(fail, complaint):
    with captured(logging.ERROR) as log:
        if fail:
            try:
                fail()
            except Exception:
                import traceback

                log.logger.error(traceback.format_exc())
        else:
            log.logger.error("first\nlast")
    assert log.complaint == complaint


def test_complaint_says_that_there_is_none():
    with captured(logging.ERROR) as log:
        pass
    assert log.complaint == "no reason given"
