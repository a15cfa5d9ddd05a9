"""The list of papers is complete and can be looked up by address."""

from pathlib import Path

import pytest

from cvgen_course.book.references import read_references
from cvgen_course.errors import BookError

BIB = Path(__file__).resolve().parents[2] / "jupyter_book" / "references.bib"


def test_read_references_reads_the_book_s_papers():
    papers = read_references(BIB)
    unet = papers["https://arxiv.org/abs/1505.04597"]
    assert (unet.key, unet.year, unet.authors[0]) == ("ronneberger2015", "2015", "Ronneberger")
    assert unet.markdown.startswith("Ronneberger O., Fischer P., Brox T. (2015). U-Net: ")
    assert len({paper.key for paper in papers.values()}) == len(papers)


def test_read_references_shortens_long_lists_of_authors():
    coco = read_references(BIB)["https://arxiv.org/abs/1405.0312"]
    assert "et al. (2014)" in coco.markdown
    assert len(coco.authors) == 10


def test_read_references_names_what_an_entry_lacks(tmp_path):
    path = tmp_path / "a.bib"
    path.write_text("@misc{a2020, author = {A, B.}, title = {T}, year = {2020}}")
    with pytest.raises(BookError, match="entry a2020: add eprint, doi or url"):
        read_references(path)


def test_read_references_refuses_what_is_not_bibtex(tmp_path):
    path = tmp_path / "a.bib"
    path.write_text("@misc{a2020, author = ")
    with pytest.raises(BookError, match="not a BibTeX file"):
        read_references(path)
