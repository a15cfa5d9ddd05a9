import pytest
from support.sandboxed import needs_sandbox

from cvgen_course.grading.sandbox.limits import SandboxLimits

pytestmark = needs_sandbox
SPAWN = "for i in $(seq 30); do sleep 1000 & done; wait"
FILL = "(head -c 100000000 /dev/zero; sleep 1000) | tail"  # which keeps a line until it ends


@pytest.mark.parametrize(
    ("program", "limits", "verdict"),
    [
        (SPAWN, SandboxLimits(processes=20), "started more than 20 processes"),
        (FILL, SandboxLimits(memory_bytes=2**26), "used more than 0.0625 GiB of memory"),
    ],
)
def test_watch_ends_a_sandbox_that_takes_too_much(make_sandbox, program, limits, verdict):
    sandbox = make_sandbox("sh", "-c", f"{program}; sleep 1000", limits=limits)
    sandbox.start_cold()
    sandbox._process.wait()
    assert sandbox.verdict == verdict
    assert not sandbox.is_alive()
