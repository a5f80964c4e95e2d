"""Django in one file, for gunicorn's threads."""

from __future__ import annotations

import json
import os
import time
from urllib.parse import unquote, urlsplit

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from tests.faults.services.settings import database_url, size
from tests.faults.services.work import catalogue, price, score, set_up_logging

set_up_logging(os.environ.get("LOG_LEVEL", "WARNING"))
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
            "CONN_MAX_AGE": size("CONN_MAX_AGE", 60),
        }
    },
)
django.setup()

from django.db import connection, models, transaction  # noqa: E402 - only once it is set up


class Customer(models.Model):  # type: ignore[misc]
    name = models.TextField()
    balance = models.IntegerField(default=0)

    class Meta:
        app_label = "shop"
        db_table = "customers"
        managed = False


class Order(models.Model):  # type: ignore[misc]
    customer = models.ForeignKey(Customer, models.CASCADE)
    total = models.IntegerField()

    class Meta:
        app_label = "shop"
        db_table = "orders"
        managed = False


def ready(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("ready")


def orders_lazy(_request: HttpRequest) -> JsonResponse:
    orders = Order.objects.filter(id__lte=25)
    return JsonResponse([order.customer.name for order in orders], safe=False)


def orders_joined(_request: HttpRequest) -> JsonResponse:
    orders = Order.objects.filter(id__lte=25).select_related("customer")
    return JsonResponse([order.customer.name for order in orders], safe=False)


def order_held(_request: HttpRequest) -> HttpResponse:
    with transaction.atomic():
        total = Order.objects.first().total
        time.sleep(0.05)
    return HttpResponse(str(total))


def order_released(_request: HttpRequest) -> HttpResponse:
    total = Order.objects.first().total
    time.sleep(0.05)
    return HttpResponse(str(total))


def pay(request: HttpRequest) -> HttpResponse:
    row = 1 if request.GET.get("same") else 1 + time.monotonic_ns() // 1000 % 40
    with transaction.atomic():
        customer = Customer.objects.select_for_update().get(id=row)
        customer.balance += 1
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.01)")
        customer.save()
    return HttpResponse(str(row))


def articles(request: HttpRequest) -> HttpResponse:
    return JsonResponse(ARTICLES[: int(request.GET.get("limit", "1500"))], safe=False)


ARTICLES = catalogue(1500)
SIZE = len(json.dumps(ARTICLES))


def priced(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(price(60)))


def scored(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(score(int(request.GET.get("rounds", "40000")))))


def customer(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(Customer.objects.first().name)


urlpatterns = [
    path("", ready),
    path("orders-lazy", orders_lazy),
    path("orders-joined", orders_joined),
    path("order-held", order_held),
    path("order-released", order_released),
    path("pay", pay),
    path("articles", articles),
    path("price", priced),
    path("score", scored),
    path("customer", customer),
]
app = get_wsgi_application()
