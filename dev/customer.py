import html
import re
import time
from dataclasses import dataclass

import requests

from dev import direct

_CONFIRM_FORM = re.compile(r'<form method="post"(?![^>]*cancel)')
_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')
_HEADING = re.compile(r"<h1[^>]*>(.*?)</h1>", re.DOTALL)


@dataclass(frozen=True)
class Press:
    page: requests.Response | None  # None: no answer came
    seconds: float  # from the press of the button to the page

    @property
    def status(self) -> int:
        """HTTP status; 0 without an answer."""
        return 0 if self.page is None else self.page.status_code


@dataclass(frozen=True)
class Customer:
    """Somebody who holds a confirmation link; and the lead behind it, with the plumber made for it, where we know."""

    link: str
    lead_id: int = 0
    phone: str = ""
    plumber_id: int = 0
    plumber: str = ""  # his number
    patience: float = 20  # seconds for each answer

    def open(self) -> requests.Response:
        """Raises requests.RequestException."""
        with direct.session() as browser:
            return browser.get(self.link, timeout=self.patience)

    def press(self) -> Press:
        """Open the link in a browser of its own and press the button. A page without a button is the answer itself."""
        with direct.session() as browser:
            began = time.monotonic()
            try:
                page = browser.get(self.link, timeout=self.patience)
                if _CONFIRM_FORM.search(page.text):
                    began = time.monotonic()
                    page = browser.post(self.link, dict(_HIDDEN.findall(page.text)), timeout=self.patience)
            except requests.RequestException:
                page = None
            return Press(page, time.monotonic() - began)


def heading(page: requests.Response | None) -> str:
    found = page is not None and _HEADING.search(page.text)
    return html.unescape(" ".join(found[1].split())) if found else "(no page with a heading)"
