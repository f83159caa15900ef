"""The page as people get it: opened from disk by a real browser without a window, scripts and all."""

import html
import re

import pytest

from tests.explain.synthetic import HOSTILE, explanation
from tests.report.test_html_in_browser import FLAGS, browse, needs_browser  # noqa: F401
from userip_lightning.explain.page import explain_page
from userip_lightning.explain.page_text import user_link

pytestmark = needs_browser


@pytest.fixture(scope="module")
def found():
    return explanation(hostile=True)
