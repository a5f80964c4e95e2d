"""Django, WSGI and ASGI, with its ORM: the customer of each order is loaded lazily."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

from tests.faults.services.settings import database_url

where = urlsplit(database_url())
settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    LOGGING_CONFIG=None,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": where.path.strip("/"),
            "USER": unquote(where.username or ""),
            "PASSWORD": unquote(where.password or ""),
            "HOST": where.hostname,
            "PORT": where.port,
            "CONN_MAX_AGE": 60,
        }
    },
)
django.setup()

from django.db import models  # noqa: E402 - only once it is set up


class Customer(models.Model):  # type: ignore[misc]
    name = models.TextField()

    class Meta:
        app_label = "shop"
        db_table = "customers"
        managed = False


class Order(models.Model):  # type: ignore[misc]
    customer = models.ForeignKey(Customer, models.CASCADE)

    class Meta:
        app_label = "shop"
        db_table = "orders"
        managed = False


def orders(_request: HttpRequest, shop: int) -> JsonResponse:
    found = Order.objects.filter(id__lte=20)
    return JsonResponse([one.customer.name for one in found], safe=False)


urlpatterns = [path("orders/<int:shop>", orders)]
wsgi = get_wsgi_application()
asgi = get_asgi_application()
