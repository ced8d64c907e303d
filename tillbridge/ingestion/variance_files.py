"""Inventory variances that PredictSpring makes itself: checked row by row and passed on to the order store."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from tillbridge.clients.exchange import Folder
from tillbridge.clients.sftp import SftpClient
from tillbridge.contracts.inventory_variance import InventoryVariance, Row, read_file, read_row
from tillbridge.errors import FileRejected, Finding, InternalError, RecordRejected
from tillbridge.handover import edge, reasons
from tillbridge.handover.failures import NewFailure, Told
from tillbridge.handover.inbox import Work
from tillbridge.handover.taken_file import TakenFile
from tillbridge.handover.usability import Usability
from tillbridge.ingestion.variance import variance_csv
from tillbridge.profile import Profile


@dataclass(frozen=True)
class VarianceFiles:
    """What the variance files of one run share; `facilities` as in `reading.Rules`."""

    client: SftpClient
    profile: Profile
    facilities: Collection[str]

    def pass_on(self, file: TakenFile) -> Work:
        """Hand the rows that can be used to the order store, and keep the others with their errors.

        Raises:
            FileRejected: the file is of no use, or the profile says that tillbridge makes the variance:
                then stock would move twice.
        """
        tills = self.profile.tills
        if tills.oms_is_order_master or tills.variance_source != "predictspring":
            expected = (
                "no inventory variance from PredictSpring, because the profile has it made from TLogs or has "
                "sales as orders; set tills.oms_is_order_master and tills.variance_source if it shall count"
            )
            raise FileRejected(file.name, (Finding("", None, expected),))
        content = read_file(file.path, file.name)
        good: list[dict[str, str]] = []
        errors: dict[int, str] = {}
        told = Told(f"{tills.predictspring_variance_folder}/quarantine")
        faults = []
        usability = Usability(file.name)
        for row in content.rows():
            try:
                with edge.document(f"row {row.number}"):
                    good.append(self._checked(row))
                usability.usable()
            except RecordRejected as problem:
                errors[row.number] = "; ".join(str(finding) for finding in problem.findings)
                told.add(self._failure(problem, file))
                if isinstance(problem, InternalError):
                    faults.append(problem.key)
                usability.unusable(problem)
        usability.require()
        if good:
            # Named by its content: should the file come again, the order store knows it.
            handed_over = variance_csv(good)
            name = f"InventoryVariance-{hashlib.sha256(handed_over).hexdigest()[:16]}.csv"
            Folder(self.client, tills.inventory_variance_folder).publish(name, handed_over)
        if errors:
            kept = content.error_csv(errors)
            mark = hashlib.sha256(kept).hexdigest()[:8]
            place = f"{tills.predictspring_variance_folder}/quarantine"
            self.client.put(f"{place}/{Path(file.name).stem}-{mark}.csv", kept)
        counts = {"passed on": len(good), "quarantined": len(errors)}
        return Work(counts, told.failures, may_be_repeated=bool(errors), faults=tuple(faults))

    def _checked(self, row: Row) -> dict[str, str]:
        """Give a row as HotWax's import takes it.

        Raises:
            RecordRejected: with everything that is wrong with it.
        """
        variance = read_row(row)
        tills = self.profile.tills
        store = variance.external_facility_id or ""
        store = tills.stores.get(store, store)
        findings = []
        if not variance.available_delta:
            findings.append(Finding("/availableDelta", "0", "expected a change other than 0"))
        if not store and not variance.facility_id:
            findings.append(Finding("/externalFacilityId", None, "expected a facility"))
        if store and self.facilities and store not in self.facilities:
            expected = f"expected a store that the order store or the profile has; found {store}"
            findings.append(Finding("/externalFacilityId", store, expected))
        if findings:
            raise RecordRejected(f"row {row.number}", tuple(findings))
        return _cells(variance, store, tills.location_seq_id)

    def _failure(self, problem: RecordRejected, file: TakenFile) -> NewFailure:
        folder = self.profile.tills.predictspring_variance_folder
        return NewFailure(
            kind="quarantined",
            journey="tills",
            product_store_id=self.profile.product_store_id,
            order_no=f"{file.name}, {problem.key}",
            order_id="",
            store=None,
            amount=None,
            currency=None,
            reason_code=reasons.INTERNAL if isinstance(problem, InternalError) else "variance-row",
            reason="; ".join(finding.expected for finding in problem.findings),
            next_step=f"Mend the row in {folder}/quarantine and drop the file into {folder}.",
            source_file=file.name,
            occasion=f"{problem.key} {file.occasion}",
        )


def _cells(variance: InventoryVariance, store: str, location_seq_id: str) -> dict[str, str]:
    return {
        "facilityId": variance.facility_id or "",
        "externalFacilityId": store,
        "idType": variance.id_type,
        "idValue": variance.id_value,
        "availableDelta": f"{variance.available_delta:f}",
        "locationSeqId": variance.location_seq_id or location_seq_id,
        "varianceReasonId": variance.variance_reason_id,
        "comments": variance.comments or "",
    }
