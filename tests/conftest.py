"""What every test needs: one thread each, and Ctrl-C as in a terminal."""

import os
import signal

# Tests that run beside one another would slow each other down.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# What a shell starts in the background ignores Ctrl-C, and so would all that the tests start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
