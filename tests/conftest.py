"""What every test needs: one thread each, so that tests beside one another don't slow down."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
