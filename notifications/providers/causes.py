"""Why a message was not delivered, and what the operator should do about it, in French: each sentence once.

Which code of which provider means which cause is in that provider's codes.py.
"""

import enum
from dataclasses import dataclass, replace


class Kind(enum.StrEnum):
    UNREACHABLE = "unreachable"  # the request never left
    REFUSED = "refused"  # certainly not delivered, and none of the kinds below
    RECIPIENT = "recipient"  # this plumber, this number
    MESSAGE = "message"  # what we wrote
    CONFIGURATION = "configuration"  # our account, sender or template: other leads fail too
    RATE = "rate"  # too much at once
    UNKNOWN = "unknown"  # perhaps sent


@dataclass(frozen=True)
class Explanation:
    """For operators. Nothing personal in it: it ends up in logs."""

    kind: Kind
    what: str  # a sentence without its full stop: a code may follow; {} is the provider's name
    action: str


ALARM = "Prévenez l'administrateur tout de suite : d'autres messages échouent. En attendant, appelez les plombiers."
ASK = "Demandez au plombier s'il a reçu la demande ; sinon, relancez l'envoi."
LATER = "Relancez l'envoi dans quelques minutes ; si c'est urgent, appelez le plombier."
AGAIN = "Relancez l'envoi ; si l'échec se répète, appelez le plombier."
CALL = "Appelez le plombier, puis prévenez l'administrateur : "
CORRECT = "Corrigez le numéro du plombier, puis relancez l'envoi."
REPORT = "Appelez le plombier, puis signalez cet échec à l'administrateur."


@enum.unique
class Cause(enum.Enum):
    """Each is an Explanation; `explained` puts the provider's name into it."""

    # --- Of our own, where no provider has said anything ---

    NEVER_LEFT = Explanation(
        kind=Kind.UNREACHABLE,
        what="Le message n'est pas parti : fournisseur injoignable",
        action=AGAIN,
    )
    NO_ANSWER = Explanation(
        kind=Kind.UNKNOWN,
        what="Résultat inconnu : pas de réponse du fournisseur",
        action=ASK,
    )
    NO_PLUMBER = Explanation(
        kind=Kind.RECIPIENT,
        what="Cette demande n'a plus de plombier",
        action="Choisissez un plombier, appelez-le.",
    )
    HELD = Explanation(
        kind=Kind.UNKNOWN,
        what="Retenu par WhatsApp, qui vérifie le modèle de message",
        action="Appelez le plombier : le message partira plus tard, ou jamais.",
    )

    # --- This plumber, this number ---

    BAD_NUMBER = Explanation(
        kind=Kind.RECIPIENT,
        what="Le numéro du plombier n'est pas valable",
        action=CORRECT,
    )
    NO_WHATSAPP = Explanation(
        kind=Kind.RECIPIENT,
        what="Ce numéro n'a pas WhatsApp",
        action="Appelez le plombier : ce numéro n'a pas WhatsApp.",
    )
    CANNOT_RECEIVE = Explanation(
        kind=Kind.RECIPIENT,
        what="Le plombier ne peut pas recevoir par WhatsApp",
        action="Appelez le plombier : numéro sans WhatsApp, application trop ancienne, ou conditions non acceptées.",
    )
    BLOCKED_BY_PLUMBER = Explanation(
        kind=Kind.RECIPIENT,
        what="Le plombier a bloqué ou refusé nos messages",
        action="Appelez le plombier et demandez-lui de nous accepter de nouveau dans WhatsApp.",
    )
    BLOCKED_BY_US = Explanation(
        kind=Kind.RECIPIENT,
        what="Nous avons nous-mêmes bloqué ce plombier dans WhatsApp",
        action=CALL + "son numéro est à débloquer.",
    )
    NOT_FOR_THIS_PLUMBER = Explanation(
        kind=Kind.RECIPIENT,
        what="WhatsApp ne remet pas ce genre de message à ce plombier",
        action="Appelez le plombier : une relance ne passera pas non plus.",
    )
    SENDER_IS_PLUMBER = Explanation(
        kind=Kind.RECIPIENT,
        what="Le numéro du plombier est celui de notre expéditeur",
        action=CORRECT,
    )

    # --- What we wrote ---

    FREE_TEXT = Explanation(
        kind=Kind.MESSAGE,
        what="Message libre refusé : le plombier ne nous a pas écrit depuis 24 heures",
        action=CALL + "il faut un modèle de message approuvé.",
    )
    TEMPLATE_VALUES = Explanation(
        kind=Kind.MESSAGE,
        what="Le modèle de message approuvé n'attend pas les valeurs envoyées",
        action=CALL + "le modèle est à corriger.",
    )
    BAD_REQUEST = Explanation(
        kind=Kind.MESSAGE,
        what="{} n'a pas accepté la demande d'envoi",
        action=CALL + "le message et le numéro d'envoi sont à vérifier.",
    )
    BAD_VALUE = Explanation(
        kind=Kind.MESSAGE,
        what="{} a refusé une valeur du message",
        action="Vérifiez le numéro du plombier et la demande, puis relancez l'envoi.",
    )
    BAD_CONTENT = Explanation(
        kind=Kind.MESSAGE,
        what="Le contenu du message a été refusé",
        action=CALL + "le message est à corriger.",
    )
    CONTENT_OR_NO_WHATSAPP = Explanation(
        kind=Kind.REFUSED,
        what="WhatsApp a refusé le message : son contenu, ou un numéro sans WhatsApp",
        action=CALL + "le contenu du message et le numéro du plombier sont à vérifier.",
    )

    # --- Our account, sender or template ---

    CREDENTIALS = Explanation(
        kind=Kind.CONFIGURATION,
        what="{} ne reconnaît pas nos identifiants",
        action=ALARM,
    )
    ACCOUNT = Explanation(
        kind=Kind.CONFIGURATION,
        what="Notre compte {} est bloqué ou n'a pas le droit d'envoyer",
        action=ALARM,
    )
    SENDER = Explanation(
        kind=Kind.CONFIGURATION,
        what="Notre numéro d'envoi WhatsApp est mal configuré ou bloqué",
        action=ALARM,
    )
    SENDER_UNKNOWN = Explanation(
        kind=Kind.CONFIGURATION,
        what="{} ne trouve pas notre numéro d'envoi, ou ne nous y donne pas accès",
        action="Prévenez l'administrateur : l'identifiant du numéro et les droits du jeton. Appelez les plombiers.",
    )
    SERVICE = Explanation(
        kind=Kind.CONFIGURATION,
        what="Notre service d'envoi chez {} est introuvable, vide ou indisponible",
        action=ALARM,
    )
    NO_ROUTE = Explanation(
        kind=Kind.REFUSED,
        what="Notre numéro d'envoi ne peut pas écrire au numéro du plombier",
        action=CALL + "notre numéro d'envoi est peut-être mal choisi.",
    )
    PAYMENT = Explanation(
        kind=Kind.CONFIGURATION,
        what="Le paiement de notre compte WhatsApp pose problème",
        action=ALARM,
    )
    OLD_TLS = Explanation(
        kind=Kind.CONFIGURATION,
        what="{} refuse la connexion : notre serveur est trop ancien",
        action=ALARM,
    )
    RECEIPT_ADDRESS = Explanation(
        kind=Kind.CONFIGURATION,
        what="L'adresse de suivi des messages est refusée",
        action="Prévenez l'administrateur tout de suite : l'adresse publique du site est à corriger (SITE_URL).",
    )
    TEMPLATE_UNKNOWN = Explanation(
        kind=Kind.CONFIGURATION,
        what="Le modèle de message est introuvable",
        action=CALL + "le nom et la langue du modèle sont à vérifier.",
    )
    TEMPLATE_PAUSED = Explanation(
        kind=Kind.CONFIGURATION,
        what="Le modèle de message est suspendu par WhatsApp",
        action=CALL + "le modèle est à réactiver ou à remplacer.",
    )
    TEMPLATE_REFUSED = Explanation(
        kind=Kind.CONFIGURATION,
        what="Le modèle de message est refusé ou désactivé par WhatsApp",
        action=CALL + "il faut un autre modèle.",
    )
    MARKETING = Explanation(
        kind=Kind.CONFIGURATION,
        what="WhatsApp classe nos messages comme publicité",
        action=CALL + "le modèle est à revoir.",
    )
    MARKETING_TERMS = Explanation(
        kind=Kind.CONFIGURATION,
        what="Les conditions des messages publicitaires ne sont pas acceptées",
        action=CALL + "elles sont à accepter chez Meta.",
    )
    MARKETING_ONLY = Explanation(
        kind=Kind.CONFIGURATION,
        what="L'envoi passe par un service réservé à la publicité",
        action=CALL + "le réglage de l'envoi est à corriger.",
    )
    SPAM = Explanation(
        kind=Kind.CONFIGURATION,
        what="WhatsApp prend nos messages pour des indésirables",
        action=CALL + "le modèle est à revoir.",
    )
    COUNTRY_OFF = Explanation(
        kind=Kind.CONFIGURATION,
        what="L'envoi vers ce pays n'est pas autorisé",
        action=CALL + "ce pays est à activer.",
    )
    COUNTRY_REFUSED = Explanation(
        kind=Kind.CONFIGURATION,
        what="WhatsApp ne nous laisse pas écrire dans ce pays",
        action=CALL + "la fiche de l'entreprise et les règles de WhatsApp.",
    )
    TRIAL_ACCOUNT = Explanation(
        kind=Kind.CONFIGURATION,
        what="Le compte d'essai n'écrit qu'aux numéros inscrits",
        action=CALL + "le numéro du plombier est à inscrire.",
    )

    # --- Refused, and another attempt may pass ---

    TAKEN_FOR_MARKETING = Explanation(
        kind=Kind.REFUSED,
        what="WhatsApp a retenu ce message, pris pour de la publicité",
        action=CALL + "le modèle est à revoir.",
    )
    TEMPLATE_NOT_FETCHED = Explanation(
        kind=Kind.REFUSED,
        what="Le téléphone du plombier n'a pas pu charger le modèle de message",
        action=AGAIN,
    )
    OUTAGE = Explanation(
        kind=Kind.REFUSED,
        what="Panne chez WhatsApp ou chez {} : message non remis",
        action=AGAIN,
    )
    WHATSAPP_OUTAGE = Explanation(
        kind=Kind.REFUSED,
        what="Panne chez WhatsApp : message non remis",
        action=AGAIN,
    )

    # --- Too much at once ---

    TOO_MUCH = Explanation(
        kind=Kind.RATE,
        what="Trop d'envois en peu de temps",
        action=LATER,
    )
    TOO_MUCH_OR_LIMIT = Explanation(
        kind=Kind.RATE,
        what="Trop d'envois, ou limite de notre numéro d'envoi atteinte",
        action="Appelez le plombier. Si d'autres échouent aussi, prévenez l'administrateur : attendre ne suffit pas.",
    )
    MAINTENANCE = Explanation(
        kind=Kind.RATE,
        what="Notre numéro d'envoi est en maintenance chez {}",
        action=LATER,
    )
    WAITED_TOO_LONG = Explanation(
        kind=Kind.RATE,
        what="Le message a attendu trop longtemps chez {}",
        action="Appelez le plombier, ou relancez l'envoi.",
    )
    DAILY_LIMIT = Explanation(
        kind=Kind.RATE,
        what="La limite d'envois du jour est atteinte",
        action="Appelez les plombiers jusqu'à demain, et prévenez l'administrateur.",
    )
    SLOWED_DOWN = Explanation(
        kind=Kind.RATE,
        what="WhatsApp freine notre numéro d'envoi, signalé comme indésirable",
        action="Appelez les plombiers pendant quelques heures, et prévenez l'administrateur.",
    )

    # --- Perhaps sent ---

    PROVIDER_ERROR = Explanation(
        kind=Kind.UNKNOWN,
        what="Résultat inconnu : erreur chez {}",
        action=ASK,
    )
    WHATSAPP_SILENT = Explanation(
        kind=Kind.UNKNOWN,
        what="Résultat inconnu : WhatsApp n'a pas répondu à {} à temps",
        action=ASK,
    )
    NO_MESSAGE_ID = Explanation(
        kind=Kind.UNKNOWN,
        what="Résultat inconnu : réponse de {} sans identifiant",
        action=ASK,
    )

    # --- Where the code is unknown ---

    REFUSED = Explanation(kind=Kind.REFUSED, what="Refusé par {}", action=REPORT)
    REFUSED_FOR_RATE = Explanation(
        kind=Kind.RATE,
        what="Refusé par {} : trop d'envois en peu de temps",
        action=LATER,
    )
    ACCESS_REFUSED = Explanation(kind=Kind.CONFIGURATION, what="Accès refusé par {}", action=ALARM)
    FAILED = Explanation(kind=Kind.REFUSED, what="Échec signalé par {}, de cause inconnue", action=REPORT)
    FAILED_WITHOUT_CAUSE = Explanation(kind=Kind.REFUSED, what="Échec signalé par {}, sans cause", action=REPORT)

    def explained(self, provider: str) -> Explanation:
        """With the provider's name, as operators read it, in the sentence."""
        return replace(self.value, what=self.value.what.format(provider))


# The number is none, or nobody has WhatsApp there: whatever is sent to it fails.
UNUSABLE_NUMBER = frozenset({Cause.BAD_NUMBER, Cause.NO_WHATSAPP, Cause.CANNOT_RECEIVE, Cause.SENDER_IS_PLUMBER})
