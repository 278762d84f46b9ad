"""A Django site of a few views that use its session, on a free port of loopback.

Usage: site.py <placement> <nodes as a JSON list> [threads]; prints the port. Each of the threads
(one unless told) has memcached clients of its own, as those of a real server have.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django_setup import configure


def show(request):
    from django.http import JsonResponse

    return JsonResponse(dict(request.session.items()))


def put(request):
    from django.http import HttpResponse

    for name, value in request.GET.items():
        request.session[name] = value
    return HttpResponse("put")


def click(request):
    from django.http import HttpResponse, JsonResponse

    if "user" not in request.session:
        return HttpResponse("log in", status=401)
    request.session["clicks"] = request.session.get("clicks", 0) + 1
    return JsonResponse(dict(request.session.items()))


def login(request):
    from django.http import HttpResponse

    request.session.cycle_key()
    request.session["user"] = request.GET["user"]
    return HttpResponse("in")


def logout(request):
    from django.http import HttpResponse

    request.session.flush()
    return HttpResponse("out")


class ThreadedServer(WSGIServer):
    request_queue_size = 128
    pool = ThreadPoolExecutor(int(sys.argv[3]) if len(sys.argv) > 3 else 1)

    def process_request(self, request, client_address):
        self.pool.submit(self.serve, request, client_address)

    def serve(self, request, client_address):
        try:
            self.finish_request(request, client_address)
        except OSError:
            pass  # The browser did not wait.
        finally:
            self.shutdown_request(request)


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


if __name__ == "__main__":
    configure(
        *sys.argv[1:3],
        ROOT_URLCONF="__main__",
        MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    )
    from django.core.wsgi import get_wsgi_application
    from django.urls import path

    urlpatterns = [
        path("show", show),
        path("put", put),
        path("click", click),
        path("login", login),
        path("logout", logout),
    ]
    server = make_server("127.0.0.1", 0, get_wsgi_application(), ThreadedServer, Quiet)
    print(server.server_port, flush=True)
    server.serve_forever()
