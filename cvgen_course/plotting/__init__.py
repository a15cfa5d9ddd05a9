"""Figures of images, masks, boxes and curves; readable in print, to colour-blind readers too."""

from cvgen_course.plotting import palette
from cvgen_course.plotting.boxes import draw_boxes
from cvgen_course.plotting.images import show_image, show_images, to_image
from cvgen_course.plotting.live import LiveCurve
from cvgen_course.plotting.masks import colour_mask, overlay_mask, show_mask
from cvgen_course.plotting.palette import class_colours
from cvgen_course.plotting.sheets import show_sheet, show_sheets

__all__ = [
    "LiveCurve",
    "class_colours",
    "colour_mask",
    "draw_boxes",
    "overlay_mask",
    "palette",
    "show_image",
    "show_images",
    "show_mask",
    "show_sheet",
    "show_sheets",
    "to_image",
]
