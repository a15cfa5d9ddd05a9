from __future__ import annotations

import pytest
import torch

from cvgen_course.checks import Case, Exercise, expected, make_cases


def test_expected_names_the_case_where_the_reference_fails():
    def cases(rng):
        return [Case("zero", {"x": torch.zeros(1)})]

    def probe(implementation, inputs):
        return implementation(inputs["x"])

    def refuses(x):
        raise ValueError("no")

    wrong = Exercise("e", "", 1, lambda x: x / 0 * 0, cases, probe)
    with pytest.raises(ValueError, match="case 'zero': expected no NaN"):
        expected(wrong, make_cases(wrong))
    raises = Exercise("e", "", 1, refuses, cases, probe)
    with pytest.raises(ValueError, match="expected a value from the reference, got: ValueError"):
        expected(raises, make_cases(raises))
