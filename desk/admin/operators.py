from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User

from desk.admin.sturdy import SturdyLists

admin.site.unregister([User, Group])  # as django.contrib.auth registered them


@admin.register(User)
class OperatorAdmin(SturdyLists, UserAdmin):
    title = "Utilisateurs"


@admin.register(Group)
class OperatorGroupAdmin(SturdyLists, GroupAdmin):
    title = "Groupes"
