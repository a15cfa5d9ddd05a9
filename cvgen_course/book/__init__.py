"""The book: executed solutions become pages, with the answers folded away."""

from cvgen_course.book.build import build
from cvgen_course.book.serve import serve

__all__ = ["build", "serve"]
