"""A Django site of a few views that use its session, on a free port of loopback.

Usage: site.py <placement> <nodes as a JSON list>; prints the port.
"""

import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

from django_setup import configure


def show(request):
    from django.http import JsonResponse

    return JsonResponse(dict(request.session.items()))


def put(request):
    from django.http import HttpResponse

    for name, value in request.GET.items():
        request.session[name] = value
    return HttpResponse("put")


def login(request):
    from django.http import HttpResponse

    request.session.cycle_key()
    request.session["user"] = request.GET["user"]
    return HttpResponse("in")


def logout(request):
    from django.http import HttpResponse

    request.session.flush()
    return HttpResponse("out")


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


if __name__ == "__main__":
    configure(
        *sys.argv[1:],
        ROOT_URLCONF="__main__",
        MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    )
    from django.core.wsgi import get_wsgi_application
    from django.urls import path

    urlpatterns = [
        path("show", show),
        path("put", put),
        path("login", login),
        path("logout", logout),
    ]
    server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet)
    print(server.server_port, flush=True)
    server.serve_forever()
