from django.conf import settings
from django.db import models
from django_otp.models import Device, DeviceManager
from webauthn.helpers.structs import AttestationObject, PublicKeyCredentialDescriptor

class WebAuthnAttestationManager(models.Manager[WebAuthnAttestation]): ...
class WebAuthnCredentialManager(DeviceManager[WebAuthnCredential]): ...
class WebAuthnCredentialQuerySet(models.QuerySet[WebAuthnCredential]): ...

class WebAuthnCredential(Device):
    credential_id = models.BinaryField(max_length=1023)
    public_key = models.BinaryField(max_length=1023)
    sign_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(null=True, blank=True, auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    attestation: WebAuthnAttestation

    # As the library writes it: User's related manager is found by the name this makes.
    objects = WebAuthnCredentialManager.from_queryset(WebAuthnCredentialQuerySet)()  # type: ignore[misc]

class WebAuthnAttestation(models.Model):
    credential = models.OneToOneField(
        WebAuthnCredential, on_delete=models.CASCADE, related_name="attestation"
    )
    data = models.BinaryField()
    client_data_json = models.BinaryField()

    objects = WebAuthnAttestationManager()

    @property
    def attestation_object(self) -> AttestationObject: ...

class WebAuthnUserHandle(models.Model):
    handle_hex = models.CharField(max_length=128)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)

def as_credential_descriptors(
    queryset: models.QuerySet[WebAuthnCredential],
) -> list[PublicKeyCredentialDescriptor]: ...
