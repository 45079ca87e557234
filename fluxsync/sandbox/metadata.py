"""What is said about a file's content: its MIME type and, for pictures, the documented metadata [000, 002].

Only headers are read, so this is cheap. The long type names follow the one that is documented, "Graphics
Interchange Format (GIF)"; what files that are no pictures get is our reading: the type alone.
"""

import mimetypes
import re
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from fluxsync.sandbox.model import Metadata

if TYPE_CHECKING:
    from PIL import Image

#: What Pillow may try. PostScript is left out: Pillow would start an interpreter for it.
PICTURE_FORMATS = ("GIF", "JPEG", "PNG", "TIFF", "BMP", "WEBP", "PSD", "ICO", "JPEG2000", "PPM", "TGA")

#: Pillow's own limit for a picture that is no attack; a larger one counts as no picture.
MAX_PIXELS = 2**30 // 4 // 3

_TYPE_NAMES = {
    "image/gif": "Graphics Interchange Format (GIF)",
    "image/jpeg": "Joint Photographic Experts Group (JPEG)",
    "image/png": "Portable Network Graphics (PNG)",
    "image/tiff": "Tagged Image File Format (TIFF)",
    "image/bmp": "Windows Bitmap (BMP)",
    "image/webp": "WebP Image (WEBP)",
    "image/vnd.adobe.photoshop": "Adobe Photoshop Document (PSD)",
    "image/svg+xml": "Scalable Vector Graphics (SVG)",
    "application/pdf": "Portable Document Format (PDF)",
    "application/postscript": "PostScript (PS)",
    "application/zip": "ZIP Archive (ZIP)",
    "text/plain": "Plain Text (TXT)",
}

_BITS = {"1": 1, "L": 8, "P": 8, "LA": 16, "PA": 16, "I;16": 16, "RGB": 24, "YCbCr": 24, "LAB": 24, "HSV": 24}
_COLOR_SPACES = {"1": "Gray", "L": "Gray", "LA": "Gray", "I": "Gray", "I;16": "Gray", "F": "Gray"}
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,100}")
_UNKNOWN = "application/octet-stream"
_ORIENTATION_TAG = 0x0112

# An instance knows the built-in table only, so that the machine's own type files change no answer.
_GUESSES = mimetypes.MimeTypes()
for _extension, _type in {
    ".ai": "application/postscript",
    ".indd": "application/x-indesign",
    ".md": "text/markdown",
    ".psd": "image/vnd.adobe.photoshop",
    ".webp": "image/webp",
}.items():
    _GUESSES.add_type(_type, _extension)


def content_type_of(filename: str, declared: str = "") -> str:
    """Return the MIME type that the sender declared, or the one that the file name's extension suggests."""
    media_type = declared.partition(";")[0].strip().lower()
    if media_type != _UNKNOWN and _MEDIA_TYPE.fullmatch(media_type):
        return media_type
    # Only the extension is asked: `guess_type` would read a name such as "data:a.png" as a URL.
    extension = Path(filename.replace("\0", "")).suffix.lower()
    return _GUESSES.types_map[True].get(extension, _UNKNOWN)


def describe(path: Path, content_type: str) -> Metadata:
    """Return what is known of a content file, in the order of the XML sample [002]."""
    type_name = _TYPE_NAMES.get(content_type, content_type)
    if not content_type.startswith("image/"):
        return {"type": type_name}
    from PIL import Image  # here: importing Pillow costs more than the rest of the server

    try:
        with Image.open(path, formats=PICTURE_FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                return {"type": type_name}
            return {"type": type_name} | _picture(picture)
    except Exception:  # Pillow's readers raise nearly anything on broken files; all of it means "no picture"
        return {"type": type_name}


def _picture(picture: "Image.Image") -> dict[str, str]:
    across, down = picture.info.get("dpi") or (0, 0)
    alpha = "A" in picture.getbands() or "transparency" in picture.info
    found = {
        "profile_name": _profile_name(picture),
        "resolution_height": str(round(float(down))),
        "pixel_height": str(picture.height),
        "bits_per_sample": str(_BITS.get(picture.mode, 32)),
        "color_space": _COLOR_SPACES.get(picture.mode, "CMYK" if picture.mode == "CMYK" else "RGB"),
        "resolution_width": str(round(float(across))),
        "orientation": str(_orientation(picture)),
        "alpha_channel": "1" if alpha else "0",
        "pixel_width": str(picture.width),
    }
    if not found["profile_name"]:
        del found["profile_name"]
    return found


def _orientation(picture: "Image.Image") -> int:
    # Only where the header has it: in a PNG without it, Pillow would decode the whole picture to look.
    in_header = "exif" in picture.info or picture.format == "TIFF"
    return int(picture.getexif().get(_ORIENTATION_TAG, 0)) if in_header else 0


def _profile_name(picture: "Image.Image") -> str:
    profile = picture.info.get("icc_profile")
    if not profile:
        return ""
    from PIL import ImageCms

    try:
        return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(BytesIO(profile))).strip()
    except (ImageCms.PyCMSError, OSError):
        return ""
