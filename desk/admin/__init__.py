from django.contrib import admin

from desk.admin.alerts import AlertAdmin, AlertMessageAdmin
from desk.admin.api_key import ApiKeyAdmin
from desk.admin.breaker import BreakerAdmin
from desk.admin.lead import LeadAdmin
from desk.admin.log import LogAdmin
from desk.admin.news import ProviderNewsAdmin
from desk.admin.operators import OperatorAdmin, OperatorGroupAdmin
from desk.admin.pack_entry import PackEntryAdmin
from desk.admin.plumber import PlumberAdmin

__all__ = [
    "AlertAdmin",
    "AlertMessageAdmin",
    "ApiKeyAdmin",
    "BreakerAdmin",
    "LeadAdmin",
    "LogAdmin",
    "OperatorAdmin",
    "OperatorGroupAdmin",
    "PackEntryAdmin",
    "PlumberAdmin",
    "ProviderNewsAdmin",
]

admin.site.site_header = admin.site.site_title = "Urgences plomberie"
admin.site.index_title = "Demandes et plombiers"
admin.site.site_url = None  # there is no front page
admin.site.enable_nav_sidebar = False  # the lists are wide
