"""Horizon's own URLs, and its static files served by Django itself: the lab has no Apache."""
from django.urls import re_path
from django.views.static import serve
from openstack_dashboard.urls import urlpatterns as horizon_urls

urlpatterns = [
    re_path(
        r'^static/(?P<path>.*)$', serve, {'document_root': '/var/lib/openstack-dashboard/static'}
    ),
    *horizon_urls,
]
