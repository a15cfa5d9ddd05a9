"""The classic mistakes: runs, looks right, is wrong."""

import torch
import torch.nn.functional as F


def confusion_matrix(pred, target, num_classes, ignore_index=None):
    """Rows and columns are exchanged."""
    if ignore_index is not None:
        keep = target != ignore_index
        pred, target = pred[keep], target[keep]
    pairs = pred.flatten() * num_classes + target.flatten()
    return torch.bincount(pairs, minlength=num_classes**2).view(num_classes, num_classes)


def mean_iou(confusion):
    """The intersection is counted twice in the union."""
    hit = confusion.diagonal().double()
    union = (confusion.sum(0) + confusion.sum(1)).double()
    occurs = union > 0
    return (hit[occurs] / union[occurs]).sum() / occurs.sum().clamp(min=1)


def dice_loss(logits, target, ignore_index=None, smooth=1.0):
    """The factor 2 is forgotten."""
    probs = logits.softmax(1)
    valid = torch.ones_like(target, dtype=torch.bool)
    if ignore_index is not None:
        valid = target != ignore_index
    truth = F.one_hot(target.where(valid, 0), logits.shape[1]).movedim(-1, 1).to(probs.dtype)
    mask = valid.unsqueeze(1)
    overlap = (probs * truth * mask).sum((0, 2, 3))
    total = (probs * mask).sum((0, 2, 3)) + (truth * mask).sum((0, 2, 3))
    return 1 - ((overlap + smooth) / (total + smooth)).mean()


def max_unpool(x, indices, output_size):
    """All values go to the top left corner of their block; the indices are not used."""
    out = x.new_zeros(*x.shape[:2], *output_size)
    out[:, :, : 2 * x.shape[2] : 2, : 2 * x.shape[3] : 2] = x
    return out


def conv_transpose2d(x, weight, bias=None, stride=1, padding=0):
    """Overlapping contributions overwrite each other instead of adding up."""
    batch, _, height, width = x.shape
    _, out_channels, kh, kw = weight.shape
    full = x.new_zeros(batch, out_channels, (height - 1) * stride + kh, (width - 1) * stride + kw)
    for i in range(height):
        for j in range(width):
            patch = torch.einsum("ni,iokl->nokl", x[:, :, i, j], weight)
            full[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw] = patch
    out = full[:, :, padding : full.shape[2] - padding, padding : full.shape[3] - padding]
    return out if bias is None else out + bias.view(1, -1, 1, 1)


def bilinear_kernel(num_channels, factor):
    """Every output channel mixes all input channels."""
    size = 2 * factor - factor % 2
    center = (size - 1) / 2
    tent = 1 - (torch.arange(size) - center).abs() / factor
    return torch.outer(tent, tent).expand(num_channels, num_channels, size, size).clone()


def fuse_skips(score32, score16, score8):
    """The finest map is forgotten."""
    fused = score16 + F.interpolate(score32, score16.shape[2:], mode="bilinear")
    return F.interpolate(fused, score8.shape[2:], mode="bilinear")


def unet_down(x, conv):
    """What is passed on to the skip connection is already pooled."""
    pooled = F.max_pool2d(conv(x), 2)
    return pooled, pooled


def unet_up(x, skip, upsample, conv):
    """The order of the concatenation is exchanged."""
    x = upsample(x)
    x = F.pad(x, (0, skip.shape[3] - x.shape[3], 0, skip.shape[2] - x.shape[2]))
    return conv(torch.cat([x, skip], dim=1))


def unet_forward(x, down_convs, bottleneck, upsamples, up_convs, head):
    """The skips are used in the order in which they were made."""
    skips = []
    for conv in down_convs:
        x = conv(x)
        skips.append(x)
        x = F.max_pool2d(x, 2)
    x = bottleneck(x)
    for skip, upsample, conv in zip(skips, upsamples, up_convs, strict=True):
        x = upsample(x)
        x = F.pad(x, (0, skip.shape[3] - x.shape[3], 0, skip.shape[2] - x.shape[2]))
        x = conv(torch.cat([skip, x], dim=1))
    return head(x)
