"""One thread for each library: many submissions share a machine, and a copied process needs it."""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Variables of the environment; libraries look at them when they are imported."""
