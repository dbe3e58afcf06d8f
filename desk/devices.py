"""An operator's second factor: an application that shows codes, and recovery codes for when it is lost."""

from base64 import b32encode

from django.contrib.auth.models import AbstractBaseUser, User
from django.db import transaction
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

RECOVERY_CODES = 10


def is_enrolled(user: AbstractBaseUser) -> bool:
    return TOTPDevice.objects.filter(user=user, confirmed=True).exists()


def proposed(user: AbstractBaseUser) -> TOTPDevice | None:
    """The application that this user is about to add; it counts once it has shown a right code."""
    return TOTPDevice.objects.filter(user=user, confirmed=False).first()


def base32(device: TOTPDevice) -> str:
    """Its secret, as applications want it typed."""
    return b32encode(device.bin_key).decode().rstrip("=")


@transaction.atomic
def propose(user: AbstractBaseUser) -> None:
    """Make a new secret for an application; does nothing for whoever has one already."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if not is_enrolled(user):
        TOTPDevice.objects.filter(user=user).delete()
        TOTPDevice.objects.create(user=user, name="application", confirmed=False)


@transaction.atomic
def confirm(user: AbstractBaseUser, code: str) -> TOTPDevice | None:
    """The proposed application, confirmed by a code that it shows; None when the code is wrong, or tried too soon."""
    device = TOTPDevice.objects.select_for_update().filter(user=user, confirmed=False).first()
    if device is None or not _accepts(device, code):
        return None
    device.confirmed = True
    device.save(update_fields=["confirmed"])
    return device


@transaction.atomic
def verify(user: AbstractBaseUser, code: str) -> Device | None:
    """The device that this code belongs to; None when it is wrong, used before, or tried too soon after a wrong one."""
    kind = TOTPDevice if code.isdecimal() and len(code) == 6 else StaticDevice
    device = kind.objects.select_for_update().filter(user=user, confirmed=True).first()
    return device if device and _accepts(device, code) else None


def _accepts(device: Device, code: str) -> bool:
    return device.verify_is_allowed()[0] and device.verify_token(code)


@transaction.atomic
def new_recovery_codes(user: AbstractBaseUser) -> list[str]:
    """Each is good for one login; those from before are void."""
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="codes de secours")
    codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create([StaticToken(device=device, token=code) for code in codes])
    return codes


def recovery_codes_left(user: AbstractBaseUser) -> int:
    return StaticToken.objects.filter(device__user=user).count()


@transaction.atomic
def forget(user: AbstractBaseUser) -> int:
    """Take the second factor from a user, who may enrol again; how many devices he had."""
    devices = [kind.objects.filter(user=user) for kind in (TOTPDevice, StaticDevice)]
    count = sum(each.count() for each in devices)
    for each in devices:
        each.delete()
    return count
