"""Horizon as a WSGI application whose every answer names the dashboard that gave it."""
import os

os.environ['DJANGO_SETTINGS_MODULE'] = 'lab_settings'

import django.urls  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402

horizon = get_wsgi_application()
django.urls.get_resolver().url_patterns  # loads every panel now, so that no request waits for it


def application(environ, start_response):
    def start_named(status, headers, exc_info=None):
        named = [*headers, ('X-Lab-Backend', os.environ['LAB_BACKEND'])]
        return start_response(status, named, exc_info)

    return horizon(environ, start_named)
