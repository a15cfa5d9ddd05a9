import subprocess
import sys
import textwrap

import pytest

from cvgen_course.files import replacing, write


def test_replacing_leaves_nothing_when_the_write_fails(tmp_path):
    path = tmp_path / "x.npz"
    path.write_bytes(b"old")

    def write_half():
        with replacing(path) as file:
            file.write(b"half of the ne")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_half()
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["x.npz"]


def test_replacing_never_shows_half_a_file_when_killed(tmp_path):
    code = """
        import os, signal, sys
        from pathlib import Path
        from cvgen_course.files import replacing
        with replacing(Path(sys.argv[1]) / "x.npz") as file:
            file.write(b"half")
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    """
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)], check=False
    )
    assert killed.returncode != 0
    assert not (tmp_path / "x.npz").exists()


def test_write_leaves_equal_files_alone(tmp_path):
    path = tmp_path / "new" / "file.txt"
    assert write(path, "one")
    before = path.stat().st_mtime_ns
    assert not write(path, "one")
    assert path.stat().st_mtime_ns == before
    assert write(path, b"two")
    assert [p.name for p in path.parent.iterdir()] == ["file.txt"]


def test_write_keeps_the_old_file_when_writing_fails(tmp_path, monkeypatch):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr("cvgen_course.files.os.replace", fail)
    with pytest.raises(OSError, match="no space"):
        write(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]
