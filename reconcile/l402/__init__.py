from reconcile.l402.challenge import Challenge, Scheme, parse_challenges
from reconcile.l402.credential import Credential, build_authorization, parse_authorization
from reconcile.l402.invoice import INVOICE_PREFIXES, Invoice, decode_invoice
from reconcile.l402.macaroon import Identifier, Macaroon, decode_macaroon, flip_caveat_bit, flip_signature_bit

__all__ = [
    "INVOICE_PREFIXES",
    "Challenge",
    "Credential",
    "Identifier",
    "Invoice",
    "Macaroon",
    "Scheme",
    "build_authorization",
    "decode_invoice",
    "decode_macaroon",
    "flip_caveat_bit",
    "flip_signature_bit",
    "parse_authorization",
    "parse_challenges",
]
