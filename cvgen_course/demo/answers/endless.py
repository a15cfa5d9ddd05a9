"""One loop that never ends; the other answers are right."""


def max_unpool(x, indices, output_size):
    """Wait until a place is free: with a second channel, one never is."""
    out = x.new_zeros(*x.shape[:2], *output_size)
    values, places = x.flatten(), indices.flatten().tolist()
    waiting, taken = list(range(x.numel())), set()
    while waiting:
        i = waiting.pop(0)
        if places[i] in taken:
            waiting.append(i)
            continue
        taken.add(places[i])
        plane = i // x[0, 0].numel()
        out.flatten(0, 1)[plane].view(-1)[places[i]] = values[i]
    return out
