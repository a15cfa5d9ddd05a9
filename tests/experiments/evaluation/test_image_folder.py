import pytest
from support.image_files import fill, pixels

from cvgen_course.errors import CourseError
from cvgen_course.experiments.evaluation.image_folder import ImageFolder


def test_folder_takes_pictures_from_subfolders_and_leaves_what_is_none(tmp_path):
    fill(tmp_path / "b" / "c", pixels(2, 4, 4), ".PNG")
    fill(tmp_path / "a", pixels(1, 4, 4), ".jpg")
    fill(tmp_path / ".hidden", pixels(1, 4, 4))
    for name in ("a/._000.jpg", "a/notes.txt", "thumbs.db"):
        (tmp_path / name).write_text("no picture")
    found = [path.relative_to(tmp_path).as_posix() for path in ImageFolder("REAL", tmp_path).paths]
    assert found == ["a/000.jpg", "b/c/000.PNG", "b/c/001.PNG"]


def test_folder_names_what_can_t_be_read_in_its_place(tmp_path):
    folder = fill(tmp_path / "folder", pixels(3, 4, 4))
    (folder / "001.png").write_bytes(b"no picture")
    (folder / "sub").mkdir()
    (folder / "sub" / "x.png").write_bytes(b"")
    (batch,) = ImageFolder("REAL", folder).batches(10)
    assert [each if isinstance(each, str) else each.format for each in batch] == [
        *("PNG", "001.png", "PNG", "sub/x.png")
    ]


@pytest.mark.parametrize("files", [[], ["a.txt", "b.npz"]])
def test_folder_without_a_picture_is_refused(tmp_path, files):
    for name in files:
        (tmp_path / name).write_text("")
    message = rf"REAL: expected a folder with images \(.png, .*got .* none, {len(files)} other"
    with pytest.raises(CourseError, match=message):
        ImageFolder("REAL", tmp_path)
