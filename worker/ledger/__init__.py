"""The transfer log: an append-only RFC 6962 tree of entries, with signed checkpoints.

`append` records, `sign` commits to what is recorded, `verify` believes nothing and reads everything.
The files that leave the installation are checked by `worker.tlog.proofs` and `worker.tlog.notes`, which need no
database.
"""

from worker.ledger.reading import checkpoint, consistency, entries, history, latest, proof_for
from worker.ledger.schema import install
from worker.ledger.verification import Fault, FaultCode, Verdict, verify
from worker.ledger.writing import Appended, EventDiffers, append, sign

__all__ = [
    "Appended",
    "EventDiffers",
    "Fault",
    "FaultCode",
    "Verdict",
    "append",
    "checkpoint",
    "consistency",
    "entries",
    "history",
    "install",
    "latest",
    "proof_for",
    "sign",
    "verify",
]
