"""Keystone as a WSGI application; OS_KEYSTONE_CONFIG_DIR says where its keystone.conf is."""
import sys

sys.argv = ['keystone-wsgi-public']  # Keystone parses it, and gunicorn's arguments make it exit
try:
    from keystone.server.wsgi import initialize_public_application

    application = initialize_public_application()
except SystemExit as stop:
    # gunicorn starts a worker that exits again and again, but halts on an ordinary exception.
    raise RuntimeError(f'Keystone exited while it was loaded: {stop.code!r}') from stop
