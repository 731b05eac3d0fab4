"""HTML and SVG put together from elements, so that no text gets in unescaped."""

from __future__ import annotations

__all__ = ["Html", "element", "joined", "scrolling"]

import html
from collections.abc import Iterable


class Html(str):
    """Text that is HTML already; every other text is escaped."""

    __slots__ = ()


_VOID = {"meta", "img", "br", "input"}


def element(name: str, /, *children: object, **attributes: object) -> Html:
    """An element. Children are texts, elements, None, or iterables of them.

    Arguments:
        name: Its name.
        children: What is in it.
        attributes: `_` becomes `-`, one at the end is dropped; None and False are left out, True has no value.

    Example:
        >>> element("p", "a < b", element("b", "!"), class_="note", data_tip='"x"')
        '<p class="note" data-tip="&quot;x&quot;">a &lt; b<b>!</b></p>'
    """
    words = []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        words.append(f" {key}" if value is True else f' {key}="{html.escape(_plain(value), quote=True)}"')
    start = f"<{name}{''.join(words)}>"
    return Html(start if name in _VOID else f"{start}{joined(*children)}</{name}>")


def joined(*children: object) -> Html:
    """Children one after the other."""
    parts = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, Html):
            parts.append(str.__str__(child))
        elif isinstance(child, str):
            parts.append(html.escape(child, quote=False))
        elif isinstance(child, Iterable):
            parts.append(joined(*child))
        else:
            parts.append(html.escape(_plain(child)))
    return Html("".join(parts))


def scrolling(content: Html, name: str) -> Html:
    """What may be wider than the page; it can be focused, so that it can be scrolled from the keyboard."""
    return element("div", content, class_="scroll", tabindex=0, role="region", aria_label=name)


def _plain(value: object) -> str:
    # A tenth of a pixel is enough, and the file stays small.
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
