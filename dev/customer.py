import contextlib
import html
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import requests

from dev import direct

_CONFIRM_FORM = re.compile(r'<form method="post"(?![^>]*cancel)')
_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')
_HEADING = re.compile(r"<h1[^>]*>(.*?)</h1>", re.DOTALL)
_BELOW = re.compile(r"</h1>\s*<p>(.*?)</p>", re.DOTALL)
_STEP = re.compile(r"<li>(.*?)(?:\s<time[^>]*>(.*?)</time>)?</li>", re.DOTALL)


@dataclass(frozen=True)
class Press:
    page: requests.Response | None  # None: no answer came
    seconds: float  # from the press of the button to the page

    @property
    def status(self) -> int:
        """HTTP status; 0 without an answer."""
        return 0 if self.page is None else self.page.status_code


class RequestPage:
    """The request page, open in a browser of its own. `page` is the answer. Raises requests.RequestException."""

    def __init__(self, url: str, patience: float = 20) -> None:
        """`url` is the site's; `patience` is in seconds for each answer."""
        self.browser, self.patience = direct.session(), patience
        self.page = self.browser.get(f"{url}/", timeout=patience)

    def send(self, **typed: str) -> requests.Response:
        """The page that it leads to: its address is the customer's link."""
        return self.browser.post(self.page.url, _hidden_fields(self.page) | typed, timeout=self.patience)


@dataclass(frozen=True)
class Customer:
    """Somebody who holds a confirmation link; and the lead behind it, with the plumber made for it, where we know."""

    link: str
    lead_id: int = 0
    phone: str = ""
    plumber_id: int = 0
    plumber: str = ""  # his number
    patience: float = 20  # seconds for each answer
    browser: requests.Session | None = None  # that made the request; else every visit is in one of its own

    def open(self) -> requests.Response:
        """Raises requests.RequestException."""
        with self._browsing() as browser:
            return browser.get(self.link, timeout=self.patience)

    def press(self) -> Press:
        """Open the link and press the button. A page without a button is the answer itself."""
        with self._browsing() as browser:
            began = time.monotonic()
            try:
                page = browser.get(self.link, timeout=self.patience)
                if _CONFIRM_FORM.search(page.text):
                    began = time.monotonic()
                    page = browser.post(self.link, _hidden_fields(page), timeout=self.patience)
            except requests.RequestException:
                page = None
            return Press(page, time.monotonic() - began)

    @contextlib.contextmanager
    def _browsing(self) -> Iterator[requests.Session]:
        if self.browser:
            yield self.browser
        else:
            with direct.session() as browser:
                yield browser


def heading(page: requests.Response | None) -> str:
    return _text(_HEADING, page) or "(no page with a heading)"


def below_heading(page: requests.Response | None) -> str:
    """The paragraph below the heading; "" without one."""
    return _text(_BELOW, page)


def steps(page: requests.Response | None) -> list[tuple[str, str]]:
    """What the status page says has happened so far, each with its moment (`à 02:14`, or "")."""
    found = _STEP.findall(page.text.partition('class="steps"')[2].partition("</ol>")[0]) if page is not None else []
    return [(_readable(label), _readable(moment)) for label, moment in found]


def _text(pattern: re.Pattern, page: requests.Response | None) -> str:
    found = page is not None and pattern.search(page.text)
    return _readable(found[1]) if found else ""


def _readable(markup: str) -> str:
    return html.unescape(" ".join(markup.split()))


def _hidden_fields(page: requests.Response) -> dict[str, str]:
    return {name: html.unescape(value) for name, value in _HIDDEN.findall(page.text)}
