"""The page inside another one, such as a notebook."""

from __future__ import annotations

from html import escape

from userip_lightning.explain.page import explain_page
from userip_lightning.explain.page_text import Found, cut

#: Without it the page's own links would lead to the page around it, whose address a frame inherits.
_BASE = '<base href="about:srcdoc">'


def explain_frame(found: Found) -> str:
    """An ``<iframe>`` with the page of its own, so that its style does not leak.

    Args:
        found: what ``Explanation.as_json()`` gives.
    """
    page = explain_page(found).replace("<head>", f"<head>{_BASE}", 1)
    return (
        f'<iframe title="{escape(cut(found["experiment"]))}: what the codes mean" srcdoc="{escape(page)}" '
        'sandbox="allow-scripts" style="width: 100%; height: 44rem; border: 0"></iframe>'
    )
