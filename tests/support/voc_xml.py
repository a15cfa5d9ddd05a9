"""Annotation files in the format of Pascal VOC, as small as they can be."""


def voc_xml(*objects):
    """Write annotations; an object is name, x1, y1, x2, y2 and XML that stands before the box."""
    items = "".join(
        f"<object><name>{name}</name>{''.join(more)}<bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin>"
        f"<xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
        for name, x1, y1, x2, y2, *more in objects
    )
    return f"<annotation>{items}</annotation>"
