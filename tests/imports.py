"""An order store, files for it to import, and its tables as one value, for the tests of the imports."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, Table, select

from tests.fixtures_database import as_owner
from tests.strategies import profile
from tillbridge.clients.sftp import SftpClient
from tillbridge.contracts import json_text
from tillbridge.database import import_tables, oms_tables
from tillbridge.database.engine import transaction
from tillbridge.database.ledger_tables import invoice_failure
from tillbridge.handover.inbox import FileResult, Inbox, Work
from tillbridge.handover.taken_file import TakenFile
from tillbridge.oms.data_manager import DataManager
from tillbridge.oms.facilities import (
    receive_stock,
    save_facilities,
    save_product_stores,
    save_products,
)
from tillbridge.oms.imported_orders import OrderKind
from tillbridge.oms.order import Facility, Product
from tillbridge.oms.returns import ReturnKind
from tillbridge.oms.variance_import import VarianceImport

Document = dict[str, Any]

PROFILE = profile()
STORE = PROFILE.product_store_id
FOLDERS = {
    "orders": PROFILE.tills.order_import_folder,
    "returns": PROFILE.tills.return_import_folder,
    "variances": PROFILE.tills.inventory_variance_folder,
}
OWN = {"entry_date", "applied_at", "imported_at", "created_at", "failed_at"}
"""Columns that say when our own work was done, and numbers of ours, which no two runs share."""
OWN |= {"order_adjustment_id", "return_adjustment_id", "id"}

_TABLES: tuple[Table, ...] = (
    oms_tables.product_facility,
    oms_tables.order_header,
    oms_tables.order_identification,
    oms_tables.order_contact_mech,
    oms_tables.order_attribute,
    oms_tables.order_payment_preference,
    oms_tables.order_item_ship_group,
    oms_tables.order_item,
    oms_tables.order_adjustment,
    import_tables.item_issuance,
    import_tables.return_header,
    import_tables.return_item,
    import_tables.return_adjustment,
    import_tables.return_payment_preference,
    import_tables.inventory_variance,
    import_tables.data_manager_log,
    import_tables.data_manager_record,
    invoice_failure,
)


def fill_order_store(engine: Engine) -> None:
    """Write two shops, a warehouse, three products and a gift card; five boots and one sandal per shop."""
    with as_owner(engine) as owner, transaction(owner) as connection:
        save_product_stores(connection, {STORE: "Zapatos"})
        save_facilities(
            connection,
            [
                Facility("SV_A32", "A32-ext", "Centro", product_store_id=STORE),
                Facility("SV_P22", "P22-ext", "Plaza", product_store_id=STORE),
                Facility("SV_WH", "WH-ext", "Bodega", "WAREHOUSE", "WAREHOUSE", STORE),
            ],
        )
        save_products(
            connection,
            [
                Product("10000", "Boot", identifications={"UPCA": "8720110000", "SKU": "BOOT"}),
                Product("10001", "Sandal", identifications={"UPCA": "8720110001", "SKU": "SAND"}),
                Product("10002", "Clog", identifications={"SKU": "TWICE"}),
                Product("10003", "Slipper", identifications={"SKU": "TWICE"}),
                Product("30000", "Gift card", "DIGITAL_GOOD", {"SKU": "GIFT"}),
            ],
        )
        receive_stock(
            connection,
            {
                (shop, product): Decimal(quantity)
                for shop in ("SV_A32", "SV_P22")
                for product, quantity in (("10000", 5), ("10001", 1))
            },
        )


def item(number: int = 1, upc: str = "8720110000", **changes: Any) -> Document:
    """Give a line of an order, carried out of the shop."""
    return {
        "orderItemSeqId": f"{number:05}",
        "externalId": f"T1-{number}",
        "idType": "UPCA",
        "idValue": upc,
        "quantity": 1,
        "unitPrice": Decimal("19.99"),
        "statusId": "ITEM_COMPLETED",
        "adjustments": [{"type": "SALES_TAX", "amount": Decimal("2.60")}],
        **changes,
    }


def in_store(*items: Document, shop: str = "A32-ext", seq_id: str = "00001") -> Document:
    """Give a ship group of what was carried out of a shop."""
    return {
        "shipGroupSeqId": seq_id,
        "externalId": shop,
        "shipmentMethodTypeId": "POS_COMPLETED",
        "items": list(items or (item(),)),
    }


def shipped(*items: Document, seq_id: str = "00001") -> Document:
    """Give a ship group of what is to be brokered (Endless Aisle)."""
    return {
        "shipGroupSeqId": seq_id,
        "facilityId": "_NA_",
        "shipmentMethodTypeId": "STANDARD",
        "shipTo": {
            "postalAddress": {"toName": "Noor Haddad", "address1": "Calle 8", "city": "Santa Ana"}
        },
        "items": [{**one, "statusId": "ITEM_CREATED"} for one in items or (item(),)],
    }


def order(external_id: str = "T1", *groups: Document, **changes: Any) -> Document:
    """Give an order of a till as `ingest-tlogs` writes it."""
    return {
        "externalId": external_id,
        "orderName": external_id,
        "orderDate": "2026-11-20T10:15:00-06:00",
        "entryDate": "2026-11-20T10:15:00-06:00",
        "orderTypeId": "SALES_ORDER",
        "salesChannelEnumId": "POS_SALES_CHANNEL",
        "currencyUom": "USD",
        "grandTotal": Decimal("22.59"),
        "productStoreId": STORE,
        "originExternalFacilityId": "A32-ext",
        "firstName": "Noor",
        "lastName": "Haddad",
        "customerEmail": "noor@example.com",
        "billTo": {"postalAddress": {"address1": "Calle 1"}, "email": {"infoString": "n@x.org"}},
        "identifications": [{"orderIdentificationTypeId": "POS_ORDER_ID", "idValue": external_id}],
        "attributes": [{"attrName": "RetailStoreID", "attrValue": "256"}],
        "adjustments": [],
        "paymentPreferences": [
            {
                "paymentMethodTypeId": "CASH",
                "statusId": "PAYMENT_SETTLED",
                "maxAmount": Decimal("22.59"),
            }
        ],
        "shipGroups": list(groups or (in_store(),)),
        **changes,
    }


def return_line(number: int = 1, upc: str = "8720110000", **changes: Any) -> Document:
    """Give a line of a return."""
    return {
        "returnItemSeqId": f"{number:05}",
        "orderItemExternalId": f"T1-{number}",
        "idType": "UPCA",
        "idValue": upc,
        "quantity": 1,
        "returnPrice": Decimal("19.99"),
        "reasonId": "DOES_NOT_FIT",
        "adjustments": [{"type": "SALES_TAX", "amount": Decimal("2.60")}],
        **changes,
    }


def made_return(return_id: str = "T9-R", *lines: Document, **changes: Any) -> Document:
    """Give a return of the sale T1 to the shop that sold it."""
    return {
        "returnId": return_id,
        "externalId": "T9",
        "orderExternalId": "T1",
        "orderName": "T9",
        "returnDate": "2026-11-21T09:00:00-06:00",
        "returnChannelEnumId": "POS_RTN_CHANNEL",
        "statusId": "RETURN_COMPLETED",
        "currencyUom": "USD",
        "productStoreId": STORE,
        "destinationExternalFacilityId": "A32-ext",
        "returnTotal": Decimal("22.59"),
        "paymentPreferences": [
            {
                "paymentMethodTypeId": "CASH",
                "statusId": "PAYMENT_REFUNDED",
                "maxAmount": Decimal("22.59"),
            }
        ],
        "items": list(lines or (return_line(),)),
        **changes,
    }


@dataclass(frozen=True)
class Imports:
    """The order store, and the server whose files are in `root`."""

    engine: Engine
    client: SftpClient
    root: Path

    def drop(
        self, kind: str, name: str, content: bytes | list[Any], moment: int | None = None
    ) -> None:
        """Put a file into the folder of a kind, each one later than the one before."""
        place = self.root / FOLDERS[kind]
        place.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, bytes) else json_text.write(content)
        (place / name).write_bytes(data)
        moment = moment or 1_790_000_000 + next(_seconds)
        os.utime(place / name, (moment, moment))

    def run(self, kind: str) -> list[FileResult]:
        """Take every waiting file of a kind, as a run does."""
        suffix = ".csv" if kind == "variances" else ".json"
        inbox = Inbox(
            self.engine, self.client, PROFILE, FOLDERS[kind], "run", suffix, journey="tills"
        )
        return [inbox.do(file, self.work(kind)) for file in inbox.waiting()]

    def work(self, kind: str) -> Callable[[TakenFile], Work]:
        """Give the work on one file of a kind."""
        common = (self.engine, self.client, PROFILE, FOLDERS[kind])
        match kind:
            case "orders":
                return DataManager(*common, OrderKind()).import_file
            case "returns":
                return DataManager(*common, ReturnKind()).import_file
            case _:
                return VarianceImport(*common).apply_file

    def take(
        self, kind: str, content: bytes | list[Any], name: str = "a", moment: int | None = None
    ) -> FileResult:
        """Drop one file and take it."""
        ending = "csv" if kind == "variances" else "json"
        self.drop(kind, f"{name}.{ending}", content, moment)
        (result,) = self.run(kind)
        return result

    def error_file(self, kind: str, name: str) -> Any:
        """Read an error file."""
        path = self.root / FOLDERS[kind] / "error" / name
        return path.read_text() if kind == "variances" else json.loads(path.read_bytes())

    def rows(self, table: Table) -> list[Mapping[str, Any]]:
        """Read a table."""
        with transaction(self.engine) as connection:
            found = connection.execute(select(table).order_by(*table.primary_key))
            return [dict(row._mapping) for row in found]

    def stock(self, product_id: str = "10000", facility_id: str = "SV_A32") -> Decimal | None:
        """Read what is on hand of one product."""
        for row in self.rows(oms_tables.product_facility):
            if (row["facility_id"], row["product_id"]) == (facility_id, product_id):
                quantity: Decimal = row["quantity_on_hand"]
                return quantity
        return None

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        """Read all that imports write, but for what no two runs share."""
        return {
            table.name: [
                {name: value for name, value in row.items() if name not in OWN}
                for row in self.rows(table)
            ]
            for table in _TABLES
        }


class KilledError(BaseException):
    """Stands for the end of the process, which nothing in it can catch."""


def survive_kills(
    imports: Imports,
    reference: Imports,
    kind: str,
    content: bytes | list[Any],
    steps: Sequence[tuple[Any, str]],
    patching: pytest.MonkeyPatch,
) -> None:
    """Kill an import at each of the steps in turn, and hold the end against an import in one go."""
    name, moment = f"a.{'csv' if kind == 'variances' else 'json'}", 1_700_000_000
    for store in (reference, imports):
        store.drop(kind, name, content, moment)
        if store is imports:
            for module, step in steps:
                for at_call in (1, 2, 3):
                    with patching.context() as patch, suppress(KilledError):
                        kill(patch, module, step, at_call)
                        store.run(kind)
                        # It got through without so many calls, and has to be begun again.
                        store.drop(kind, name, content, moment)
        store.run(kind)
    assert imports.everything() == reference.everything()


def kill(patch: pytest.MonkeyPatch, module: Any, name: str, at_call: int) -> None:
    """Have the function raise at its n-th call."""
    function, calls = getattr(module, name), count(1)

    def killed(*arguments: Any, **named: Any) -> Any:
        if next(calls) == at_call:
            raise KilledError
        return function(*arguments, **named)

    patch.setattr(module, name, killed)


_seconds = count()
