import cairo
import numpy as np


def draw(values, path, width, height, font, title):
    """Bars of all values as a PDF; returns the mean and the spread."""
    values = np.asarray(values, dtype=float)
    surface = cairo.PDFSurface(str(path), width, height)
    context = cairo.Context(surface)
    scaled = (height - 40) * values / max(values.max(), 1e-9)
    step = width / len(values)
    context.set_source_rgb(0.1, 0.4, 0.6)
    for number, bar in enumerate(scaled):
        context.rectangle(number * step + 2, height - bar, step - 4, bar)
    context.fill()
    context.set_source_rgb(0, 0, 0)
    context.select_font_face(font, cairo.FONT_SLANT_NORMAL, cairo.FONT_WEIGHT_BOLD)
    context.set_font_size(14)
    context.move_to(8, 20)
    context.show_text(title)
    extents = context.text_extents(title)
    surface.finish()
    return values.mean(), values.std(), extents.width
