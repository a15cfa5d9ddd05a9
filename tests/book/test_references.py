"""The list of papers is complete and can be looked up by address."""

from pathlib import Path

import pytest

from cvgen_course.book.references import read_references
from cvgen_course.errors import BookError

BIB = Path(__file__).resolve().parents[2] / "jupyter_book" / "references.bib"


def test_read_references_reads_the_book_s_papers():
    papers = read_references(BIB)
    unet = papers["https://arxiv.org/abs/1505.04597"]
    assert (unet.key, unet.year) == ("ronneberger2015", "2015")
    assert len({paper.key for paper in papers.values()}) == len(papers)


@pytest.mark.parametrize(
    ("authors", "cited"),
    [
        ("Girshick, Ross", "Girshick"),
        ("Yu, Fisher and Koltun, Vladlen", "Yu and Koltun"),
        ("van den Oord, Aaron and Kalchbrenner, Nal and Others, X.", "van den Oord et al."),
        ("Erd{\\H o}s, P.", "Erdős"),
    ],
)
def test_read_references_names_authors_as_one_cites_them(tmp_path, authors, cited):
    path = tmp_path / "a.bib"
    path.write_text(
        f"@misc{{a, author = {{{authors}}}, title = {{T}}, year = 2020, eprint = {{1}}}}"
    )
    assert read_references(path)["https://arxiv.org/abs/1"].authors == cited


@pytest.mark.parametrize(
    ("fields", "lacking"),
    [
        ("author = {A, B.}, title = {T}, year = {2020}", "eprint, doi or url"),
        ("title = {T}, eprint = {1}", "author, year"),
    ],
)
def test_read_references_names_what_an_entry_lacks(tmp_path, fields, lacking):
    path = tmp_path / "a.bib"
    path.write_text(f"@misc{{a2020, {fields}}}")
    with pytest.raises(BookError, match=f"entry a2020: add {lacking}"):
        read_references(path)


def test_read_references_refuses_what_is_not_bibtex(tmp_path):
    path = tmp_path / "a.bib"
    path.write_text("@misc{a2020, author = ")
    with pytest.raises(BookError, match="not a BibTeX file"):
        read_references(path)
