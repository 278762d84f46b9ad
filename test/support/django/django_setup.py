"""Configures Django with its cache sessions over memcached."""

import json
import warnings

BACKENDS = {
    "pymemcache": "PyMemcacheCache",
    "python-memcached": "MemcachedCache",
    "pylibmc": "PyLibMCCache",
    "pylibmc-ketama": "PyLibMCCache",
    "pylibmc-ketama-weighted": "PyLibMCCache",
}
OPTIONS = {
    "pylibmc-ketama": {"behaviors": {"ketama": True}},
    "pylibmc-ketama-weighted": {"behaviors": {"ketama_weighted": True}},
}


def configure(placement, nodes, **settings):
    warnings.simplefilter("ignore")
    import django
    from django.conf import settings as django_settings

    django_settings.configure(
        SECRET_KEY="only for tests",
        ALLOWED_HOSTS=["*"],
        USE_TZ=True,
        SESSION_ENGINE="django.contrib.sessions.backends.cache",
        SESSION_COOKIE_AGE=3600,
        CACHES={
            "default": {
                "BACKEND": f"django.core.cache.backends.memcached.{BACKENDS[placement]}",
                "LOCATION": json.loads(nodes),
                "OPTIONS": OPTIONS.get(placement, {}),
            }
        },
        **settings,
    )
    django.setup()
