import numpy as np
import pytest
import torch
from support.image_files import pixels

from cvgen_course.errors import CourseError
from cvgen_course.experiments.evaluation.array_file import ArrayFile


def images(source):
    return [picture.image for batch in source.batches(2) for picture in batch]


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(
    ("shape", "to_channels_first"),
    [
        ((2, 5, 6), lambda x: x[:, None]),
        ((2, 5, 6, 1), lambda x: x.transpose(0, 3, 1, 2)),
        ((2, 5, 6, 3), lambda x: x.transpose(0, 3, 1, 2)),
        ((2, 5, 6, 4), lambda x: x[..., :3].transpose(0, 3, 1, 2)),
        ((2, 1, 5, 6), lambda x: x),
        ((2, 3, 5, 6), lambda x: x),
        ((2, 4, 5, 6), lambda x: x[:, :3]),
        ((2, 3, 4, 3), lambda x: x.transpose(0, 3, 1, 2)),  # it may be either: the last ones
    ],
)
def test_array_file_knows_where_the_channels_are(tmp_path, save, shape, to_channels_first):
    some = pixels(*shape)
    save(tmp_path / "array.npz", some)
    found = torch.stack(images(ArrayFile("REAL", tmp_path / "array.npz")))
    expected = torch.from_numpy(to_channels_first(some).copy()) / 127.5 - 1
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("names", "chosen"),
    [(("a", "b"), "a"), (("a", "arr_0"), "arr_0"), (("a", "arr_0", "images"), "images")],
)
def test_array_file_takes_the_array_with_the_images(tmp_path, names, chosen):
    arrays = {name: pixels(2, 4, 4, seed=seed) for seed, name in enumerate(names)}
    np.savez(tmp_path / "array.npz", **arrays)
    source = ArrayFile("REAL", tmp_path / "array.npz")
    expected = torch.from_numpy(arrays[chosen]) / 127.5 - 1
    torch.testing.assert_close(torch.cat(images(source)), expected)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 4, 4), np.float32), r"got 'arr_0' of float32 \(2, 4, 4\)"),
        (np.zeros((2048,)), r"got 'arr_0' of float64 \(2048,\) .*; statistics alone"),
        (np.zeros((2, 5, 6, 2), np.uint8), r"got 'arr_0' of uint8 \(2, 5, 6, 2\)"),
        (np.array([{}, {}], object), r"got 'arr_0' of object \(2,\)"),
        (np.asfortranarray(pixels(2, 4, 4)), r"ascontiguousarray"),
    ],
)
def test_array_file_refuses_what_is_no_array_of_images(tmp_path, array, message):
    np.savez(tmp_path / "array.npz", array)
    with pytest.raises(CourseError, match=f"FAKE: expected .*{message}"):
        ArrayFile("FAKE", tmp_path / "array.npz")


@pytest.mark.parametrize("damage", ["text", "cut", "no array", "empty"])
def test_array_file_that_can_t_be_read_is_refused(tmp_path, damage):
    path = tmp_path / "array.npz"
    np.savez(path, **{} if damage == "no array" else {"images": pixels(2, 4, 4)})
    content = {"text": b"no array", "empty": b"", "cut": path.read_bytes()[:-60]}
    path.write_bytes(content.get(damage, path.read_bytes()))
    with pytest.raises(CourseError, match=r"REAL: expected an \.npz file .*which can't be read"):
        ArrayFile("REAL", path)


def test_array_file_notices_a_flipped_bit(tmp_path):
    path = tmp_path / "array.npz"
    np.savez(path, images=pixels(200, 8, 8))
    content = bytearray(path.read_bytes())
    content[5000] ^= 1
    path.write_bytes(content)
    source = ArrayFile("REAL", path)
    with pytest.raises(CourseError, match=r"can't be read .*CRC"):
        for _ in source.contents():
            pass
