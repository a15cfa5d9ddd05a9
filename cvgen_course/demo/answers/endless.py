"""One loop that never ends; the other answers are right."""


def max_unpool(x, indices, output_size):
    """Wait for a counter that nobody increases."""
    out = x.new_zeros(*x.shape[:2], *output_size)
    position = 0
    while position < x.numel():
        out.flatten()[indices.flatten()[position]] = x.flatten()[position]
    return out
