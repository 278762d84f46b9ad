"""Debian's Horizon settings, with what the lab decides laid over them (see ../dashboards.ts)."""
import os

from openstack_dashboard.settings import *  # noqa: F401,F403

DEBUG = False
SECRET_KEY = os.environ['LAB_SECRET_KEY']  # one for all dashboards: any of them reads every session
ALLOWED_HOSTS = ['*']
ROOT_URLCONF = 'lab_urls'
OPENSTACK_KEYSTONE_URL = os.environ['LAB_KEYSTONE_URL']
OPENSTACK_API_VERSIONS = {'identity': 3}
OPENSTACK_KEYSTONE_DEFAULT_DOMAIN = 'Default'
OPENSTACK_KEYSTONE_MULTIDOMAIN_SUPPORT = False
TIME_ZONE = 'UTC'

SESSION_ENGINE = 'django.contrib.sessions.backends.cache'
# Said here and not in local_settings.py: Debian's local_settings.d forces an in-process cache.
CACHES = {
    'default': {
        'BACKEND': 'django.core.cache.backends.memcached.'
        + {
            'pymemcache': 'PyMemcacheCache',
            'pylibmc': 'PyLibMCCache',
            'memcached': 'MemcachedCache',
        }[os.environ['LAB_CLIENT']],
        'LOCATION': os.environ['LAB_MEMCACHED'].split(','),
    }
}

if os.environ['LAB_PROXY_SSL'] == '1':
    SECURE_PROXY_SSL_HEADER = ('HTTP_X_FORWARDED_PROTO', 'https')

LOGGING = {
    'version': 1,
    'disable_existing_loggers': False,
    'formatters': {'line': {'format': '%(asctime)s %(levelname)s %(name)s %(message)s'}},
    'handlers': {'stderr': {'class': 'logging.StreamHandler', 'formatter': 'line'}},
    'root': {'handlers': ['stderr'], 'level': 'INFO'},
    'loggers': {'scss': {'level': 'ERROR'}},
}
