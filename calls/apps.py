from typing import Any

from django.apps import AppConfig
from django.contrib.postgres.indexes import OpClass
from django.db.models import OrderBy
from django.db.models.functions import Collate
from django.db.models.indexes import IndexExpression


class CallsConfig(AppConfig):
    name = "calls"

    def ready(self) -> None:
        # As django.contrib.postgres does where it is installed: an operator class stands outside of
        # the brackets of an index's expression. The stubs ask for instances; these are classes.
        wrappers: tuple[Any, ...] = (OrderBy, OpClass, Collate)
        IndexExpression.register_wrappers(*wrappers)
