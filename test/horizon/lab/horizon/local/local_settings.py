"""Shadows /etc/openstack-dashboard/local_settings.py: this folder comes first on sys.path."""
import os

SECRET_KEY = os.environ['LAB_SECRET_KEY']
DEBUG = False
