"""The guide's pictures, drawn anew for each build by the scripts of examples/pictures."""

from checked_tables import DOCS, EXAMPLES, load
from matplotlib import pyplot as plt
from PIL import Image
from sphinx.errors import ExtensionError

FOLDER = DOCS / "_static" / "made"
# What a reader's phone loads; a heavier picture has too much in it.
MOST_BYTES = 60_000


def draw_pictures(app):
    """Draw each script's figure into the folder of static files, under the script's name."""
    FOLDER.mkdir(exist_ok=True)
    for script in sorted((EXAMPLES / "pictures").glob("*.py")):
        figure = load(script).draw()
        path = FOLDER / f"{script.stem}.png"
        figure.savefig(path, dpi=100)
        plt.close(figure)
        with Image.open(path) as picture:
            fewer_colours = picture.convert("RGB").quantize(128)
        fewer_colours.save(path, optimize=True)
        n_bytes = path.stat().st_size
        if n_bytes > MOST_BYTES:
            raise ExtensionError(f"{script.name} draws {n_bytes} bytes, above {MOST_BYTES}.")


def setup(app):
    """Register the drawing."""
    app.connect("builder-inited", draw_pictures, priority=102)
    return {"parallel_read_safe": True}
