from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from dev.customer import Customer, RequestPage, below_heading, heading, steps

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


def test_a_request_is_sent_with_what_the_form_hides(site):
    site.page = '<form method="post"><input type="hidden" name="key" value="a&amp;b"><button>Demander</button></form>'

    page = RequestPage(f"http://127.0.0.1:{site.server_port}").send(phone="0639980100")

    assert (heading(page), site.forms) == ("Confirmée", ["key=a%26b&phone=0639980100"])


def test_the_status_page_is_read_as_a_customer_reads_it(site):
    site.page = """<h1>Un plombier a été
        prévenu</h1> <p>C&#x27;est lui qui vous appelle.</p> <ol class="steps"><li>Demande confirmée
        <time datetime="x">à 02:14</time></li> <li>Plombier trouvé</li></ol> <ul><li>Coupez l'eau</li></ul>"""

    page = Customer(f"http://127.0.0.1:{site.server_port}/").open()

    assert (heading(page), below_heading(page)) == ("Un plombier a été prévenu", "C'est lui qui vous appelle.")
    assert steps(page) == [("Demande confirmée", "à 02:14"), ("Plombier trouvé", "")]


def test_no_answer_is_status_0():
    press = Customer("http://127.0.0.1:1/").press()

    assert (press.status, heading(press.page)) == (0, "(no page with a heading)")
