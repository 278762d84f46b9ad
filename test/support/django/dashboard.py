"""A Django dashboard whose pages and transfers need a session, on a given port of loopback.

Usage: dashboard.py <name> <port> <placement> <nodes as a JSON list>

Speaks HTTP/1.1 with a thread for each connection, and keeps connections for 5 s, as Apache does. The
bytes of a transfer follow from its seed, so that both sides know them.
"""

import hashlib
import sys
import time
from socketserver import ThreadingMixIn
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler, WSGIServer

from django_setup import configure

KEEP_SECONDS = 5
BUSY_SECONDS = 60
PIECES = 12
PAUSE_SECONDS = 0.1


def content(seed, length):
    return hashlib.shake_256(seed.encode()).digest(length)


def login_page(request):
    from django.http import HttpResponse

    return HttpResponse("log in")


def login(request):
    from django.http import HttpResponse

    request.session.cycle_key()
    request.session["user"] = request.GET["user"]
    return HttpResponse("in")


def click(request):
    from django.http import HttpResponse

    # Some pages change the session, as Horizon's do.
    if "mark" in request.GET:
        request.session["mark"] = request.GET["mark"]
    return HttpResponse(request.session["user"])


def download(request):
    from django.http import StreamingHttpResponse

    body = content(request.GET["seed"], int(request.GET["bytes"]))
    size = -(-len(body) // PIECES)

    def pieces():
        for start in range(0, len(body), size):
            yield body[start:start + size]
            time.sleep(PAUSE_SECONDS)

    response = StreamingHttpResponse(pieces())
    response["Content-Length"] = str(len(body))
    return response


def upload(request):
    from django.http import HttpResponse

    digest = hashlib.sha256()
    while part := request.read(65536):
        digest.update(part)
    return HttpResponse(digest.hexdigest())


class Named:
    """Says who answers, and how much."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        response["X-Dashboard"] = sys.argv[1]
        if not response.streaming:
            response["Content-Length"] = str(len(response.content))
        return response


class LoginRequired:
    """Who is not logged in gets no further than to where that is done."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        from django.http import HttpResponse

        if request.path.startswith("/dashboard/auth/") or "user" in request.session:
            return self.get_response(request)
        return HttpResponse("log in", status=401)


class KeepingHandler(ServerHandler):
    http_version = "1.1"

    def log_exception(self, exc_info):
        pass


class Connection(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def handle(self):
        self.close_connection = False
        try:
            while not self.close_connection:
                self.connection.settimeout(KEEP_SECONDS)
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline:
                    return
                self.connection.settimeout(BUSY_SECONDS)
                if not self.parse_request():
                    return
                handler = KeepingHandler(
                    self.rfile, self.wfile, sys.stderr, self.get_environ(), multithread=True
                )
                handler.request_handler = self
                handler.run(self.server.get_app())
        except OSError:
            pass  # The other side is gone, or was silent.


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 512


if __name__ == "__main__":
    name, port, placement, nodes = sys.argv[1:5]
    configure(
        placement,
        nodes,
        ROOT_URLCONF="__main__",
        # What it cannot answer is the client's to count, not a line on standard error for each.
        LOGGING_CONFIG=None,
        MIDDLEWARE=[
            "__main__.Named",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "__main__.LoginRequired",
        ],
    )
    from django.core.wsgi import get_wsgi_application
    from django.urls import path

    urlpatterns = [
        path("dashboard/auth/login/", login_page),
        path("dashboard/auth/enter", login),
        path("dashboard/click", click),
        path("dashboard/download", download),
        path("dashboard/upload", upload),
    ]
    server = Server(("127.0.0.1", int(port)), Connection)
    server.set_app(get_wsgi_application())
    server.serve_forever()
