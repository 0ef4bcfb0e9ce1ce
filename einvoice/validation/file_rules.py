"""Our rules about the file itself: what it is, whether it can be read, and the PDF/A-3 container of Factur-X.

Each has an id that stays, a sentence for a bookkeeper, and what to do. Those of the container follow the rules
BR-HYBRID of Factur-X 1.08 (chapter 6 and annex 3.d), with their severity; the others are fatal because nothing of the
invoice can be judged.
"""

from __future__ import annotations

from dataclasses import dataclass

from einvoice.validation.verdict import Finding, Layer, Severity


@dataclass(frozen=True, slots=True)
class FileRule:
    """What a rule says, in English and in French; ``{found}`` in a sentence is what the file has instead."""

    severity: Severity
    sentence: str
    sentence_fr: str
    fix: str
    fix_fr: str


def _fatal(sentence: str, sentence_fr: str, fix: str, fix_fr: str) -> FileRule:
    return FileRule(Severity.FATAL, sentence, sentence_fr, fix, fix_fr)


def _warning(sentence: str, sentence_fr: str, fix: str, fix_fr: str) -> FileRule:
    return FileRule(Severity.WARNING, sentence, sentence_fr, fix, fix_fr)


_SEND_INVOICE = "Send the invoice itself: a Factur-X PDF, or a CII or UBL XML file."
_SEND_INVOICE_FR = "Déposez la facture elle-même : un PDF Factur-X, ou un fichier XML CII ou UBL."
_EXPORT_XML = "Export the file again as well-formed XML; do not edit it by hand."
_EXPORT_XML_FR = "Exportez de nouveau le fichier en XML bien formé, sans le retoucher à la main."
_MAKE_FACTURX = "Have the invoicing software export the invoice as Factur-X again; do not print or convert the file."
_MAKE_FACTURX_FR = (
    "Faites exporter de nouveau la facture en Factur-X par le logiciel de facturation ; n'imprimez ni ne convertissez "
    "le fichier."
)
_TELL_MAKER = "Tell the maker of the invoicing software: the invoice's content need not change."
_TELL_MAKER_FR = "Signalez-le à l'éditeur du logiciel de facturation : le contenu de la facture n'est pas en cause."

FILE_RULES: dict[str, FileRule] = {
    "file.empty": _fatal("The file is empty.", "Le fichier est vide.", _SEND_INVOICE, _SEND_INVOICE_FR),
    "file.archive": _fatal(
        "This is a ZIP or another archive, not an invoice.",
        "C'est une archive (ZIP ou autre), et non une facture.",
        "Unpack it and send the files in it one by one.",
        "Décompressez-la et déposez un à un les fichiers qu'elle contient.",
    ),
    "file.office": _fatal(
        "This is an office document (Word, Excel, message), not an electronic invoice.",
        "C'est un document bureautique (Word, Excel, message), et non une facture électronique.",
        _SEND_INVOICE,
        _SEND_INVOICE_FR,
    ),
    "file.picture": _fatal(
        "This is a picture: it holds no data that can be checked.",
        "C'est une image : elle ne contient aucune donnée que l'on puisse contrôler.",
        _SEND_INVOICE,
        _SEND_INVOICE_FR,
    ),
    "file.json": _fatal(
        "This is JSON, not a finished invoice.",
        "C'est du JSON, et non une facture terminée.",
        "Our JSON is judged when it is issued; here, send the finished file, XML or PDF.",
        "Notre JSON est jugé quand on l'émet ; ici, déposez le fichier terminé, XML ou PDF.",
    ),
    "file.unknown_kind": _fatal(
        "This is no kind of file that we know as an invoice.",
        "Ce fichier n'est d'aucun type de facture que nous connaissons.",
        _SEND_INVOICE,
        _SEND_INVOICE_FR,
    ),
    "xml.too_large": _fatal(
        "The XML is larger than an invoice may be (20 MiB, a million tags).",
        "Le XML dépasse la taille d'une facture (20 Mio, un million de balises).",
        "Send it without its attachments.",
        "Envoyez-la sans ses pièces jointes.",
    ),
    "xml.not_well_formed": _fatal(
        "The file is not well-formed XML: it is cut, or was edited by hand.",
        "Le fichier n'est pas du XML bien formé : il est coupé, ou a été retouché à la main.",
        _EXPORT_XML,
        _EXPORT_XML_FR,
    ),
    "xml.doctype": _fatal(
        "The XML declares a DOCTYPE or an entity. Invoices need none, and programs refuse them for safety.",
        "Le XML déclare un DOCTYPE ou une entité. Aucune facture n'en a besoin, et ils sont refusés par sécurité.",
        "Remove the DOCTYPE line and write the characters themselves.",
        "Supprimez la ligne DOCTYPE et écrivez les caractères eux-mêmes.",
    ),
    "xml.too_deep": _fatal(
        "The XML is nested deeper than any invoice.",
        "Le XML est imbriqué plus profondément qu'aucune facture.",
        _EXPORT_XML,
        _EXPORT_XML_FR,
    ),
    "QT-ROOT": _fatal(
        "The XML begins with the element {found}: this is not {expected}.",
        "Le XML commence par l'élément {found} : ce n'est pas {expected_fr}.",
        "Choose the format CII, UBL or Factur-X when you export the invoice.",
        "Choisissez le format CII, UBL ou Factur-X en exportant la facture.",
    ),
    "QT-PDF-DAMAGED": _fatal(
        "The PDF is damaged: it may have been cut in transit.",
        "Le PDF est endommagé : il a pu être coupé en chemin.",
        "Export or download it again, and send it whole.",
        "Exportez-le ou téléchargez-le de nouveau, et envoyez-le entier.",
    ),
    "QT-PDF-SIZE": _fatal(
        "The PDF or the XML in it is larger than 20 MiB.",
        "Le PDF ou le XML qu'il contient dépasse 20 Mio.",
        "Send it without its attachments.",
        "Envoyez-le sans ses pièces jointes.",
    ),
    "QT-PDF-ENCRYPTED": _fatal(
        "The PDF is encrypted or protected by restrictions, which PDF/A forbids.",
        "Le PDF est chiffré ou protégé par des restrictions, ce que PDF/A interdit.",
        "Save it without password and without restrictions on printing or copying.",
        "Enregistrez-le sans mot de passe, et sans restriction d'impression ou de copie.",
    ),
    "QT-PDF-ATTACHED": _fatal(
        "The PDF holds no invoice data (factur-x.xml): it is a picture of an invoice, not an electronic invoice.",
        "Le PDF ne contient pas les données de la facture (factur-x.xml) : c'est l'image d'une facture, et non une "
        "facture électronique.",
        _MAKE_FACTURX,
        _MAKE_FACTURX_FR,
    ),
    "QT-PDF-ORDER": _fatal(
        "The PDF holds an Order-X order, which is no invoice.",
        "Le PDF contient une commande Order-X, et non une facture.",
        "Send the invoice.",
        "Déposez la facture.",
    ),
    "QT-PDF-SEVERAL": _fatal(
        "The PDF holds several invoice files ({found}): nobody can tell which one counts.",
        "Le PDF contient plusieurs fichiers de facture ({found}) : rien ne dit lequel fait foi.",
        "Attach exactly one, named factur-x.xml.",
        "Joignez-en un seul, nommé factur-x.xml.",
    ),
    "QT-PDF-NAME": _warning(
        "The invoice file is named {found}, a name of earlier versions.",
        "Le fichier de la facture s'appelle {found}, nom des versions antérieures.",
        "Name it factur-x.xml.",
        "Nommez-le factur-x.xml.",
    ),
    "QT-PDF-SYNTAX": _fatal(
        "The attached file begins with {found}; Factur-X holds CII (CrossIndustryInvoice).",
        "Le fichier joint commence par {found} ; Factur-X contient du CII (CrossIndustryInvoice).",
        _MAKE_FACTURX,
        _MAKE_FACTURX_FR,
    ),
    "QT-PDF-TREE": _fatal(
        "The invoice file is not in the list of attachments (/Names /EmbeddedFiles): many programs will not find it.",
        "Le fichier de la facture n'est pas dans la liste des pièces jointes (/Names /EmbeddedFiles) : bien des "
        "logiciels ne le trouveront pas.",
        _TELL_MAKER,
        _TELL_MAKER_FR,
    ),
    "QT-PDF-AF": _fatal(
        "The PDF does not name the invoice file as its associated file (/AF), which PDF/A-3 demands.",
        "Le PDF ne désigne pas le fichier de la facture comme fichier associé (/AF), ce que PDF/A-3 exige.",
        _TELL_MAKER,
        _TELL_MAKER_FR,
    ),
    "QT-PDF-RELATION": _fatal(
        "The PDF does not say how page and invoice data relate (AFRelationship), which PDF/A-3 demands.",
        "Le PDF ne dit pas le lien entre la page et les données (AFRelationship), ce que PDF/A-3 exige.",
        "Write AFRelationship Alternative, or Source where the page was made from the XML.",
        "Indiquez AFRelationship Alternative, ou Source si la page est tirée du XML.",
    ),
    "QT-PDF-RELATION-KIND": _warning(
        "AFRelationship is {found}; for this profile and these parties {expected} is expected.",
        "AFRelationship vaut {found} ; pour ce profil et ces parties, on attend {expected_fr}.",
        "Write the value that is expected.",
        "Indiquez la valeur attendue.",
    ),
    "QT-PDF-MIME": _fatal(
        "The attached invoice file does not state its type (Subtype), which PDF/A-3 demands.",
        "Le fichier de la facture n'indique pas son type (Subtype), ce que PDF/A-3 exige.",
        "Write Subtype text/xml.",
        "Indiquez Subtype text/xml.",
    ),
    "QT-PDF-MIME-KIND": _warning(
        "The attached invoice file states the type {found}; Factur-X wants text/xml.",
        "Le fichier de la facture indique le type {found} ; Factur-X veut text/xml.",
        "Write Subtype text/xml.",
        "Indiquez Subtype text/xml.",
    ),
    "QT-PDF-DATE": _warning(
        "The attached invoice file has no date of change (Params/ModDate).",
        "Le fichier de la facture n'a pas de date de modification (Params/ModDate).",
        _TELL_MAKER,
        _TELL_MAKER_FR,
    ),
    "QT-PDF-CHECKSUM": _warning(
        "The checksum of the attached invoice file does not fit its content: it was changed after it was attached, or "
        "the checksum was miscalculated.",
        "La somme de contrôle du fichier de la facture ne correspond pas à son contenu : il a été modifié après coup, "
        "ou la somme est mal calculée.",
        "Ask the sender for the file again, and tell the maker of the invoicing software.",
        "Redemandez le fichier à l'expéditeur, et signalez-le à l'éditeur du logiciel de facturation.",
    ),
    "QT-PDF-XMP": _fatal(
        "The PDF has no readable metadata (XMP), so it declares neither PDF/A-3 nor Factur-X.",
        "Le PDF n'a pas de métadonnées (XMP) lisibles : il ne se déclare ni PDF/A-3 ni Factur-X.",
        _MAKE_FACTURX,
        _MAKE_FACTURX_FR,
    ),
    "QT-PDF-A": _fatal(
        "The PDF does not declare itself PDF/A-3; it says: {found}.",
        "Le PDF ne se déclare pas PDF/A-3 ; il indique : {found}.",
        _MAKE_FACTURX,
        _MAKE_FACTURX_FR,
    ),
    "QT-PDF-FX": _fatal(
        "The metadata do not declare a Factur-X invoice: {found} is missing.",
        "Les métadonnées ne déclarent pas de facture Factur-X : il manque {found}.",
        _MAKE_FACTURX,
        _MAKE_FACTURX_FR,
    ),
    "QT-PDF-EXTENSION": _fatal(
        "The metadata use the Factur-X terms without describing them (extension schema), which PDF/A demands.",
        "Les métadonnées emploient les termes de Factur-X sans les décrire (schéma d'extension), ce que PDF/A exige.",
        _TELL_MAKER,
        _TELL_MAKER_FR,
    ),
    "QT-PDF-TYPE": _fatal(
        "The metadata call the document {found}; an invoice or credit note is always INVOICE.",
        "Les métadonnées nomment le document {found} ; une facture ou un avoir est toujours INVOICE.",
        "Write fx:DocumentType INVOICE.",
        "Indiquez fx:DocumentType INVOICE.",
    ),
    "QT-PDF-DECLARED-NAME": _warning(
        "The metadata name the file {found}, which is not the one attached.",
        "Les métadonnées nomment le fichier {found}, qui n'est pas celui qui est joint.",
        "Write the same name in both places: factur-x.xml.",
        "Indiquez le même nom aux deux endroits : factur-x.xml.",
    ),
    "QT-PDF-VERSION": _warning(
        "The metadata state version {found} of the Factur-X container; the present one is 1.0.",
        "Les métadonnées indiquent la version {found} du conteneur Factur-X ; la version actuelle est 1.0.",
        "Write fx:Version 1.0.",
        "Indiquez fx:Version 1.0.",
    ),
    "QT-PDF-LEVEL": _fatal(
        "The metadata state the profile {found}, which does not exist in Factur-X.",
        "Les métadonnées indiquent le profil {found}, qui n'existe pas dans Factur-X.",
        "Write fx:ConformanceLevel MINIMUM, BASIC WL, BASIC, EN 16931, EXTENDED or XRECHNUNG.",
        "Indiquez fx:ConformanceLevel MINIMUM, BASIC WL, BASIC, EN 16931, EXTENDED ou XRECHNUNG.",
    ),
    "QT-PDF-LEVEL-DIFFERS": _warning(
        "The metadata state the profile {found}, the invoice itself (BT-24) {expected}.",
        "Les métadonnées indiquent le profil {found}, la facture elle-même (BT-24) {expected_fr}.",
        "Write the same profile in both places.",
        "Indiquez le même profil aux deux endroits.",
    ),
    "QT-PDF-XRECHNUNG": _fatal(
        "The profile XRECHNUNG is German and is not used between two French parties.",
        "Le profil XRECHNUNG est allemand et ne s'emploie pas entre deux parties françaises.",
        "Export the invoice in the profile EN 16931 or EXTENDED.",
        "Exportez la facture au profil EN 16931 ou EXTENDED.",
    ),
    "QT-PDF-ACTION": _fatal(
        "The PDF holds active content ({found}), which PDF/A forbids and receivers block.",
        "Le PDF contient du contenu actif ({found}), que PDF/A interdit et que les destinataires bloquent.",
        "Remove scripts and actions, or export the invoice as Factur-X again.",
        "Retirez scripts et actions, ou exportez de nouveau la facture en Factur-X.",
    ),
}
"""By id. ``QT-PDF-A``: BR-HYBRID-02; ``-EXTENSION``: 03 to 05; ``-TYPE``: 06; ``-LEVEL``: 07; ``-FX``: 06 to 09;
``-VERSION``: 10; ``-RELATION-KIND``: 11; ``-TREE``, ``-AF``: 12; ``-ATTACHED``, ``-NAME``: 13; ``-DECLARED-NAME``: 14;
``-LEVEL-DIFFERS``: 15; ``-XRECHNUNG``: FR-01. ``-AF``, ``-RELATION``, ``-MIME``: ISO 19005-3, 6.8; ``-ACTION``: 6.5.1;
``-ENCRYPTED``: 6.1.3."""


_LONGEST_FOUND = 300
"""Characters of what a file says, however long: the sentence is told in two languages and more than once."""


def file_finding(
    rule: str, layer: Layer, *, detail: str | None = None, line: int | None = None, **found: str
) -> Finding:
    """The finding of ``rule`` with ``found`` in its sentence; ``detail`` is what the program that read the file says.

    Raises:
        KeyError: there is no such rule, or its sentence wants a value that was not given.
    """
    known = FILE_RULES[rule]
    found = {
        name: value if len(value) <= _LONGEST_FOUND else f"{value[:_LONGEST_FOUND]}..." for name, value in found.items()
    }
    sentence = known.sentence.format(**found)
    return Finding(
        rule=rule,
        severity=known.severity,
        message=f"{sentence} ({detail})" if detail else sentence,
        layer=layer,
        line=line,
        message_fr=known.sentence_fr.format(**found),
    )
