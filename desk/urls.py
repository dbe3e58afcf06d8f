"""The desk's pages beside Django's admin. Only a web process loads them, and what they need."""

from django.contrib.admin import site
from django.urls import path

from desk import dashboard, exports, proof, search_page, second_factor
from desk.admin import lead_filters
from desk.personal_data_page import personal_data_page

app_name = "desk"
protected = site.admin_view
urlpatterns = [
    path("", protected(dashboard.page), name="dashboard"),
    path("chercher/", protected(search_page.page), name="search"),
    path("plombiers/", protected(lead_filters.proposals), name="plumber_proposals"),
    path("anciennes/", protected(dashboard.old_page), name="old"),
    path("courbes/", protected(dashboard.charts_page), name="charts"),
    path("preuve/<int:pk>/", protected(proof.page), name="proof"),
    path("preuve/<int:pk>.json", protected(proof.as_json), name="proof_json"),
    path("pourquoi/<int:pk>/", protected(proof.why), name="why"),
    path("second-facteur/", protected(second_factor.enrolment), name="second_factor"),
    path("second-facteur/qr.svg", protected(second_factor.qr_code), name="second_factor_qr"),
    path("second-facteur/commencer/", protected(second_factor.begin), name="second_factor_begin"),
    path("second-facteur/activer/", protected(second_factor.confirm), name="second_factor_confirm"),
    path("second-facteur/code/", protected(second_factor.verify), name="second_factor_verify"),
    path("second-facteur/codes/", protected(second_factor.renew_recovery_codes), name="recovery_codes"),
    path("donnees-personnelles/", protected(personal_data_page), name="personal_data"),
    path("demandes.csv", protected(exports.leads_csv), name="leads_csv"),
    path("demandes.xlsx", protected(exports.leads_xlsx), name="leads_xlsx"),
]
