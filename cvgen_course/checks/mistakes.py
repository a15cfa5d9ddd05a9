"""Wrong implementations that students really write, each declared at its code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Mistake:
    """A wrong implementation that students really write.

    Attributes:
        name: a short identifier, e.g. ``"union_counts_twice"``.
        implementation: the wrong code, with the exercise's signature.
        diagnosis: completes the sentence "This is what one gets when …".
    """

    name: str
    implementation: Callable[..., Any]
    diagnosis: str


class Mistakes:
    """The mistakes of one exercise, in the order in which its file declares them.

    Example:
        ::

            mistakes = Mistakes()

            @mistakes.when("the union counts the intersection twice.")
            def _union_counts_twice(confusion): ...
    """

    def __init__(self) -> None:
        self._found: dict[str, Mistake] = {}

    def __iter__(self) -> Iterator[Mistake]:
        return iter(self._found.values())

    def when(self, diagnosis: str) -> Callable[[Function], Function]:
        """Return a decorator that declares a function a mistake, and leaves it as it is.

        Args:
            diagnosis: completes the sentence "This is what one gets when …".

        Raises:
            ValueError: another mistake has the function's name already, which is the mistake's
                name without the leading underscore.
        """

        def declare(function: Function) -> Function:
            name = function.__name__.removeprefix("_")
            if name in self._found:
                raise ValueError(f"expected a new name for each mistake, got {name!r} twice")
            self._found[name] = Mistake(name, function, diagnosis)
            return function

        return declare
