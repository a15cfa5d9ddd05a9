import getpass
import platform
import socket
from pathlib import Path

import cpuinfo
import pytest

from cvgen_course.machine import describe


def test_describe_names_hardware_and_versions():
    text = describe()
    for part in (" core", " GiB; ", f"Python {platform.python_version()}", "PyTorch 2."):
        assert part in text
    assert "\n" not in text


def test_describe_names_no_host_user_or_folder():
    text = describe()
    for private in (socket.gethostname(), str(Path.home()), "/"):
        assert private not in text
    assert getpass.getuser() not in text.split()


@pytest.mark.parametrize(
    ("brand", "shown"),
    [
        ("Intel(R) Xeon(R) Processor", "Intel Xeon,"),
        ("Intel(R) Core(TM) i7-8650U CPU @ 1.90GHz", "Intel Core i7-8650U @ 1.90GHz,"),
        ("Apple M2", "Apple M2,"),
        ("", platform.machine()),
    ],
)
def test_describe_shortens_the_processors_name(brand, shown, monkeypatch):
    monkeypatch.setattr(cpuinfo, "get_cpu_info", lambda: {"brand_raw": brand})
    assert describe().startswith(shown)
