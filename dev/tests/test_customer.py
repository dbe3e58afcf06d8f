from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from dev.customer import Customer, heading

TOKEN = '<input type="hidden" name="csrfmiddlewaretoken" value="abc">'


@pytest.fixture
def site():
    """Serves `page`, answers a press with “Confirmée”, and keeps the forms that came."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.answer(self.server.page)

        def do_POST(self):
            self.server.forms.append(self.rfile.read(int(self.headers["Content-Length"] or 0)).decode())
            self.answer("<h1>Confirmée</h1>")

        def answer(self, page):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.forms = []
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("fields, form", [(TOKEN, "csrfmiddlewaretoken=abc"), ("", "")])
def test_a_customer_presses_the_button_with_and_without_a_form_token(site, fields, form):
    site.page = f'<h1>Confirmez</h1><form method="post">{fields}<button>Confirmer</button></form>'

    press = Customer(f"http://127.0.0.1:{site.server_port}/").press()

    assert (press.status, heading(press.page), site.forms) == (200, "Confirmée", [form])


def test_a_page_whose_only_button_cancels_is_not_pressed(site):
    site.page = '<h1>Déjà confirmée</h1><form method="post" action="cancel/"><button>Annuler</button></form>'

    press = Customer(f"http://127.0.0.1:{site.server_port}/").press()

    assert (heading(press.page), site.forms) == ("Déjà confirmée", [])


def test_no_answer_is_status_0():
    press = Customer("http://127.0.0.1:1/").press()

    assert (press.status, heading(press.page)) == (0, "(no page with a heading)")
