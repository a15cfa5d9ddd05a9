import errno
import hashlib
import io
import os
import re
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.damaged_zip import DAMAGES

from cvgen_course.data import download
from cvgen_course.errors import DataError

CONTENT = bytes(range(256)) * 4000
MD5 = hashlib.md5(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves CONTENT on this machine; /cut hangs up half-way, /stubborn doesn't resume."""

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Range")))
        if self.path == "/missing":
            self.send_error(404)
            return
        start = 0
        if self.headers.get("Range") and self.path != "/stubborn":
            start = int(re.findall(r"\d+", self.headers["Range"])[0])
        if start >= len(CONTENT):
            self.send_error(416)
            return
        body = CONTENT[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self.path == "/cut" else body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.asked = []
        running.url = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("md5", [MD5, None])
def test_fetch_writes_the_whole_file(server, tmp_path, md5):
    path = tmp_path / "new" / "file"
    assert download.fetch(f"{server.url}/good", path, md5) == path
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == ["file"]
    download.fetch(f"{server.url}/good", path, md5)
    assert len(server.asked) == 1  # what is there isn't downloaded again


def test_fetch_resumes_where_the_connection_broke(server, tmp_path):
    path, part = tmp_path / "file", tmp_path / "file.part"
    with pytest.raises(DataError, match="connection and call again"):
        download.fetch(f"{server.url}/cut", path, MD5)
    assert not path.exists()
    assert part.read_bytes() == CONTENT[: len(CONTENT) // 2]
    download.fetch(f"{server.url}/good", path, MD5)
    assert server.asked[-1] == ("/good", f"bytes={len(CONTENT) // 2}-")
    assert path.read_bytes() == CONTENT
    assert not part.exists()


def test_fetch_starts_anew_without_a_checksum(server, tmp_path):
    path = tmp_path / "file"
    with pytest.raises(DataError):
        download.fetch(f"{server.url}/cut", path)
    assert list(tmp_path.iterdir()) == []
    download.fetch(f"{server.url}/good", path)
    assert server.asked[-1] == ("/good", None)


def test_fetch_starts_anew_where_the_server_does_not_resume(server, tmp_path):
    path = tmp_path / "file"
    (tmp_path / "file.part").write_bytes(b"something else")
    download.fetch(f"{server.url}/stubborn", path, MD5)
    assert path.read_bytes() == CONTENT


def test_fetch_takes_a_part_that_is_already_whole(server, tmp_path):
    (tmp_path / "file.part").write_bytes(CONTENT)
    download.fetch(f"{server.url}/good", tmp_path / "file", MD5)
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_fetch_rejects_a_wrong_checksum_and_leaves_nothing(server, tmp_path):
    with pytest.raises(DataError, match=f"expected MD5 {'0' * 32}, got {MD5}"):
        download.fetch(f"{server.url}/good", tmp_path / "file", "0" * 32)
    assert list(tmp_path.iterdir()) == []


def test_fetch_says_what_a_refusal_was(server, tmp_path):
    with pytest.raises(DataError, match="404"):
        download.fetch(f"{server.url}/missing", tmp_path / "file", MD5)
    assert not (tmp_path / "file").exists()


def test_fetch_offline_says_what_to_do(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise download.urllib.error.URLError("Name or service not known")

    monkeypatch.setattr(download.urllib.request, "urlopen", refuse)
    with pytest.raises(
        DataError, match=r"could not be downloaded.*put it at .*'scenes', 'glyphs' or 'pairs'"
    ):
        download.fetch("https://example.org/file", tmp_path / "file", MD5)
    assert not (tmp_path / "file").exists()


def test_fetch_names_the_folder_that_can_not_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="could not be written"):
        download.fetch("https://example.org/x", tmp_path / "file" / "x", MD5)


def make_archive(path):
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("top/a.txt", "A" * 5000)
    else:
        with tarfile.open(path, "w:gz") as archive:
            member = tarfile.TarInfo("top/a.txt")
            member.size = 5000
            archive.addfile(member, io.BytesIO(b"A" * 5000))
    return path


@pytest.mark.parametrize("name", ["x.zip", "x.tar.gz"])
def test_unpack_twice_gives_the_content_once(tmp_path, name):
    archive = make_archive(tmp_path / name)
    for _ in range(2):
        download.unpack(archive, tmp_path / "out")
        assert (tmp_path / "out" / "top" / "a.txt").read_text() == "A" * 5000
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["out", name])


@pytest.mark.parametrize("name", ["x.zip", "x.tar.gz"])
def test_unpack_damaged_archive_leaves_nothing(tmp_path, name):
    archive = make_archive(tmp_path / name)
    archive.write_bytes(archive.read_bytes()[:60])
    with pytest.raises(DataError, match=r"damaged.*load it again"):
        download.unpack(archive, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", sorted(set(DAMAGES) - {"shorter list"}))
def test_unpack_calls_every_damage_by_its_name(tmp_path, damage):
    archive = make_archive(tmp_path / "x.zip")
    archive.write_bytes(DAMAGES[damage](archive.read_bytes()))
    with pytest.raises(DataError, match=r"x\.zip' is damaged .* was deleted: load it again"):
        download.unpack(archive, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_unpack_keeps_the_archive_where_the_folder_can_not_be_written(tmp_path):
    archive = make_archive(tmp_path / "x.zip")
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(DataError, match=r"out' could not be written"):
        download.unpack(archive, tmp_path / "out")
    assert archive.exists()


@pytest.mark.parametrize("linked", ["out", "out/top"])
def test_unpack_follows_a_link_to_another_disk(tmp_path, linked, monkeypatch):
    archive = make_archive(tmp_path / "x.zip")
    (tmp_path / "disk" / "there").mkdir(parents=True)
    (tmp_path / "disk" / "there" / "old.txt").touch()
    (tmp_path / linked).parent.mkdir(exist_ok=True)
    (tmp_path / linked).symlink_to(tmp_path / "disk" / "there")
    rename = os.rename

    def rename_on_one_disk(old, new):
        ends = [Path(path).resolve().is_relative_to(tmp_path / "disk") for path in (old, new)]
        if ends[0] != ends[1]:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(old, new)

    monkeypatch.setattr("os.rename", rename_on_one_disk)
    monkeypatch.setattr("os.replace", rename_on_one_disk)
    download.unpack(archive, tmp_path / "out")
    assert (tmp_path / linked).is_symlink()
    assert (tmp_path / "out" / "top" / "a.txt").read_text() == "A" * 5000
    assert not list(tmp_path.rglob("*.part"))
