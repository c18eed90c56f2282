"""Django without middleware, set up once for the peers that stand on it."""

from __future__ import annotations

import sys
import types

import django
from django.conf import settings

if not settings.configured:
    settings.configure(
        SECRET_KEY="x",
        DEBUG=False,
        ALLOWED_HOSTS=["*"],
        MIDDLEWARE=[],
        ROOT_URLCONF="none_urls",
        INSTALLED_APPS=["rest_framework"],
        USE_TZ=True,
        TIME_ZONE="UTC",
        LOGGING_CONFIG=None,
        REST_FRAMEWORK={
            "DEFAULT_AUTHENTICATION_CLASSES": [],
            "DEFAULT_PERMISSION_CLASSES": [],
            "UNAUTHENTICATED_USER": None,
            "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        },
    )
    django.setup()


def wsgi_for(name, urlpatterns):
    """A WSGIHandler whose requests use their own urlconf (several Django apps in one process)."""
    from django.core.handlers.wsgi import WSGIHandler

    mod = types.ModuleType(name)
    mod.urlpatterns = urlpatterns
    sys.modules[name] = mod

    class Handler(WSGIHandler):
        def get_response(self, request):
            settings.ROOT_URLCONF = name
            return super().get_response(request)

    return Handler()
