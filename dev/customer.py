import html
import re
import time

import requests

_FORM_TOKEN = re.compile(r'name="csrfmiddlewaretoken"\s+value="([^"]+)"')
_HEADING = re.compile(r"<h1[^>]*>(.*?)</h1>", re.DOTALL)


class Customer:
    """Somebody with a browser and a confirmation link. The methods raise requests.RequestException."""

    def __init__(self, link: str) -> None:
        self.link = link
        self.seconds = 0.0  # from the press to the page
        self._browser = requests.Session()
        self._browser.trust_env = False  # no proxy on the way to ourselves
        self._page: requests.Response | None = None

    def open(self) -> requests.Response:
        self._page = self._browser.get(self.link, timeout=10)
        return self._page

    def press(self) -> requests.Response:
        """Send the form of the page that is open; ValueError when it has none."""
        form_token = _FORM_TOKEN.search(self._page.text)
        if not form_token:
            raise ValueError(f"the confirmation page has no form (HTTP {self._page.status_code})")
        pressed_at = time.monotonic()
        answer = self._browser.post(self.link, {"csrfmiddlewaretoken": form_token[1]}, timeout=10)
        self.seconds = time.monotonic() - pressed_at
        return answer


def heading(page: requests.Response) -> str:
    found = _HEADING.search(page.text)
    return html.unescape(" ".join(found[1].split())) if found else "(a page without a heading)"


def is_discreet(page: requests.Response) -> bool:
    """The browser must neither keep the page nor tell its address to others."""
    return page.headers.get("Cache-Control") == "no-store" and page.headers.get("Referrer-Policy") == "no-referrer"
