"""Small networks over pixels whose every input counts, and what their probabilities have to be."""

import torch

from cvgen_course.pixelcnn import GatedPixelCNN, PixelCNN, every_image


def strong(model, factor=3.0):
    """Make the weights larger: the networks as they begin think all levels nearly equally likely.

    What a mask shuts out is made larger, too, so nobody gets by with small weights behind it.
    """
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(factor)
    return model


def pixelcnn(seed=0, **options):
    torch.manual_seed(seed)
    small = {"num_levels": 3, "width": 8, "num_layers": 2, "first_kernel_size": 3}
    return strong(PixelCNN(**small | options))


def gated(seed=0, **options):
    torch.manual_seed(seed)
    small = {"num_levels": 3, "width": 6, "num_layers": 3, "first_kernel_size": 3}
    return strong(GatedPixelCNN(**small | options))


def conditional(seed=0, **options):
    """A gated network that is told which of two classes an image has, and listens."""
    model = gated(seed, num_classes=2, **options)
    for layer in model.layers:
        strong(layer.condition, 5.0)
    return model


def over_codes(seed=0, **options):
    return gated(seed, embed_dim=2, **options)


MODELS = {
    "PixelCNN": pixelcnn,
    "gated": gated,
    "conditional": conditional,
    "over codes": over_codes,
}


def labels_for(model, num_images):
    """Return labels that take turns, or None for a network that knows no classes."""
    if model.num_classes is None:
        return None
    return torch.arange(num_images) % model.num_classes


def random_levels(*shape, num_levels=3, seed=0):
    return torch.randint(num_levels, shape, generator=torch.Generator().manual_seed(seed))


def train(model, make_optimizer, steps=3, shape=(8, 1, 4, 4)):
    """Do a few steps on random images."""
    channels, num_levels = model.inputs.channels, model.inputs.num_levels
    levels = random_levels(shape[0], channels, *shape[2:], num_levels=num_levels)
    optimizer = make_optimizer(model.parameters())
    for _ in range(steps):
        optimizer.zero_grad()
        model.loss(levels, labels_for(model, len(levels))).backward()
        optimizer.step()
    return model


@torch.no_grad()
def enumerated(model, height, width, label=None, temperature=1.0, chunk=2**13):
    """Return all images of a size and their log-probabilities, float64."""
    images = every_image(model.inputs.num_levels, model.inputs.channels, height, width)
    parts = []
    for some in images.split(chunk):
        labels = None if label is None else torch.full((len(some),), label)
        log_probs = (model(some, labels) / temperature).double().log_softmax(dim=1)
        parts.append(log_probs.gather(1, some[:, None]).flatten(1).sum(dim=1))
    return images, torch.cat(parts)
