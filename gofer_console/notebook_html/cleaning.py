"""What HTML of a notebook may hold: a list of what is allowed, and everything else goes.

The header of the route that sends it forbids scripts and requests a second time.
"""

from __future__ import annotations

import re
from typing import Final

import nh3

_TEXT: Final = frozenset(
    [
        "abbr",
        "b",
        "bdi",
        "bdo",
        "blockquote",
        "br",
        "caption",
        "cite",
        "code",
        "col",
        "colgroup",
        "dd",
        "del",
        "details",
        "dfn",
        "div",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "ins",
        "kbd",
        "li",
        "main",
        "mark",
        "ol",
        "p",
        "pre",
        "q",
        "s",
        "samp",
        "section",
        "small",
        "span",
        "strong",
        "sub",
        "summary",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "u",
        "ul",
        "var",
        "wbr",
    ]
)
_MATHS: Final = frozenset(
    [
        "math",
        "maction",
        "menclose",
        "mfrac",
        "mi",
        "mmultiscripts",
        "mn",
        "mo",
        "mover",
        "mpadded",
        "mphantom",
        "mprescripts",
        "mroot",
        "mrow",
        "ms",
        "mspace",
        "msqrt",
        "mstyle",
        "msub",
        "msubsup",
        "msup",
        "mtable",
        "mtd",
        "mtext",
        "mtr",
        "munder",
        "munderover",
    ]
)
_OF_MATHS: Final = frozenset(
    [
        "accent",
        "accentunder",
        "columnalign",
        "columnspacing",
        "columnspan",
        "depth",
        "display",
        "displaystyle",
        "fence",
        "height",
        "largeop",
        "linethickness",
        "lspace",
        "mathcolor",
        "mathsize",
        "mathvariant",
        "maxsize",
        "minsize",
        "movablelimits",
        "notation",
        "rowspacing",
        "rowspan",
        "rspace",
        "scriptlevel",
        "separator",
        "stretchy",
        "symmetric",
        "voffset",
        "width",
    ]
)
_STYLES: Final = frozenset(
    {"background-color", "color", "font-style", "font-weight", "text-align", "text-decoration"}
)
_OPAQUE: Final = frozenset(
    [
        "applet",
        "audio",
        "embed",
        "iframe",
        "math-script",
        "noembed",
        "noframes",
        "noscript",
        "object",
        "script",
        "style",
        "svg",
        "template",
        "textarea",
        "title",
        "video",
        "xmp",
    ]
)
"""Tags that go with all that is in them."""
_IMAGE: Final = re.compile(r"data:image/(png|jpeg|gif);base64,[A-Za-z0-9+/]+={0,2}")
_NUMBER: Final = re.compile(r"[0-9]{1,4}")
_NUMBERS: Final = frozenset({"width", "height", "colspan", "rowspan", "start", "span"})

_ATTRIBUTES: Final = {
    "*": {"class", "style", "title", "dir"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan", "align"},
    "th": {"colspan", "rowspan", "align", "scope"},
    "col": {"span"},
    "colgroup": {"span"},
    "ol": {"start"},
    "section": {"aria-label"},
    **{tag: set(_OF_MATHS) for tag in _MATHS},
}


def _checked(tag: str, name: str, value: str) -> str | None:
    if tag == "img" and name == "src":
        return value if _IMAGE.fullmatch(value) else None
    if name in _NUMBERS and tag not in _MATHS:
        return value if _NUMBER.fullmatch(value) else None
    return value


_cleaner: Final = nh3.Cleaner(
    tags=set(_TEXT | _MATHS),
    clean_content_tags=set(_OPAQUE),
    attributes=_ATTRIBUTES,
    attribute_filter=_checked,
    strip_comments=True,
    link_rel=None,
    url_schemes={"data"},
    url_relative="deny",
    generic_attribute_prefixes=set(),
    filter_style_properties=set(_STYLES),
)


def cleaned(html: str) -> str:
    """Return HTML with nothing in it that is not allowed, and every tag closed."""
    return _cleaner.clean(html)
