from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from config.addresses import client_address
from operations import allow_list
from operations.admin.base import RecordAdmin
from operations.admin_site import site
from operations.forms import AllowedNetworkForm
from operations.models import AllowedNetwork


@admin.register(AllowedNetwork, site=site)
class AllowedNetworkAdmin(RecordAdmin):
    """Nobody can shut themselves out here; and many at once are taken off by the command only."""

    note = "Networks that reach the operator host. Without any, everybody does."
    form = AllowedNetworkForm
    list_display = ("cidr", "note", "created_at", "created_by")
    search_fields = ("cidr", "note", "created_by")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("cidr", "note", *self.get_readonly_fields(request, obj))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("created_at", "created_by") if obj else ()

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> type[ModelForm[Any]]:
        made = super().get_form(request, *args, **kwargs)
        return type(made.__name__, (made,), {"address": client_address(request)})

    def save_model(
        self, request: HttpRequest, obj: AllowedNetwork, form: Any, change: bool
    ) -> None:
        allow_list.save(obj, staying=client_address(request))

    def delete_model(self, request: HttpRequest, obj: AllowedNetwork) -> None:
        allow_list.remove(obj, staying=client_address(request))

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response: HttpResponse = super().delete_view(request, *args, **kwargs)
        except allow_list.WouldShutOut as error:
            self.message_user(request, str(error), messages.ERROR)
            return redirect("admin:operations_allowednetwork_changelist")
        return response
