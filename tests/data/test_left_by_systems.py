"""Data sets as people have them: with what macOS and Windows leave beside the files."""

import zipfile

import pytest
import torch

from cvgen_course.data import load

FOLDERS = {
    "bccd": "bccd",
    "camvid": "camvid",
    "cifar10": "sheets",
    "dsb2018": "nuclei",
    "horse2zebra": "horse2zebra",
    "oxford_pet": "oxford_pet",
    "penn_fudan": "penn_fudan",
    "voc_detection": "voc",
}
"""The data sets, and the fixture that writes each."""
LEFT = b"\0\5\x16\7 no picture and no text \xff"


def strew(root):
    """Put beside each file what macOS puts on foreign disks, and in each folder what else is."""
    for path in sorted(root.rglob("*")):
        if path.is_file():
            path.with_name(f"._{path.name}").write_bytes(LEFT)
            archived = root / "__MACOSX" / path.relative_to(root).with_name(f"._{path.name}")
            archived.parent.mkdir(parents=True, exist_ok=True)
            archived.write_bytes(LEFT)
    for folder in (root, *filter(lambda path: path.is_dir(), root.rglob("*"))):
        for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
            (folder / name).write_bytes(LEFT)


def strew_archive(path):
    with zipfile.ZipFile(path, "a") as archive:
        for name in archive.namelist():
            folder, _, file = name.rpartition("/")
            archive.writestr(f"__MACOSX/{folder}/._{file}", LEFT)
            archive.writestr(f"{folder}/._{file}", LEFT)
        archive.writestr("stage1_train/.DS_Store", LEFT)


def items(name, root):
    return [tuple(item) for item in load(name, "train", root=root)]


@pytest.mark.parametrize("name", FOLDERS)
def test_load_sees_past_what_systems_leave(name, request, tmp_path):
    request.getfixturevalue(FOLDERS[name])
    before = items(name, tmp_path)
    strew(tmp_path)
    if name == "dsb2018":
        strew_archive(tmp_path / "dsb2018" / "stage1_train_x.zip")
    after = items(name, tmp_path)
    assert len(before) == len(after) > 0
    for one, other in zip(before, after, strict=True):
        assert all(map(torch.equal, one, other))
