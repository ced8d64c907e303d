"""The made-up retailer of the sandbox: four brands, their stores and what they sell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from random import Random

from sqlalchemy import Connection

from tillbridge import money
from tillbridge.oms.facilities import save_facilities, save_product_stores, save_products
from tillbridge.oms.order import Facility, Product

NO_FACILITY = Facility("_NA_", "_NA_", "No facility", "NA", "VIRTUAL_FACILITY")
"""Where digital items are fulfilled; every order store has it from its first migration on."""


@dataclass(frozen=True)
class Brand:
    """One product store. `rate` is the price of a US dollar in its currency."""

    country_code: str
    country: str
    city: str
    store_codes: tuple[str, ...]
    currency: str
    rate: Decimal
    tax_rate: Decimal
    document_type: str
    time_zone: str

    @property
    def product_store_id(self) -> str:
        """HotWax's id of the brand."""
        return f"{self.country_code}_STORE"

    @cached_property
    def facilities(self) -> tuple[Facility, ...]:
        """The stores that Retail Pro has codes for."""
        return tuple(
            self._store(code, f"{self.country_code}{code}", code) for code in self.store_codes
        )

    @cached_property
    def uncoded(self) -> Facility:
        """A store that is open already but has no code in Retail Pro yet."""
        return self._store("NEW", None, None)

    def price(self, dollars: Decimal) -> Decimal:
        """Give the price of `dollars` in the brand's currency, rounded to what can be paid in it."""
        step = Decimal(1).scaleb(-money.places(self.currency))
        return money.parse((dollars * self.rate).quantize(step, ROUND_HALF_UP))

    def _store(self, name: str, invoicing_code: str | None, code: str | None) -> Facility:
        return Facility(
            facility_id=f"{self.country_code}_{name}",
            external_id=f"{self.country_code}-{name}",
            facility_name=f"{self.city} {name}",
            product_store_id=self.product_store_id,
            invoicing_store_code=invoicing_code,
            store_code=code,
        )


BRANDS = (
    Brand(
        country_code="SV",
        country="El Salvador",
        city="San Salvador",
        store_codes=("A32", "P22", "A27", "A36"),
        currency="USD",
        rate=Decimal(1),
        tax_rate=Decimal("0.13"),
        document_type="dui",
        time_zone="America/El_Salvador",
    ),
    Brand(
        country_code="GT",
        country="Guatemala",
        city="Guatemala",
        store_codes=("B10", "B11", "B12"),
        currency="GTQ",
        rate=Decimal("7.7"),
        tax_rate=Decimal("0.12"),
        document_type="dpi",
        time_zone="America/Guatemala",
    ),
    Brand(
        country_code="CL",
        country="Chile",
        city="Santiago",
        store_codes=("C01", "C02"),
        currency="CLP",
        rate=Decimal(930),
        tax_rate=Decimal("0.19"),
        document_type="rut",
        time_zone="America/Santiago",
    ),
    Brand(
        country_code="BH",
        country="Bahrain",
        city="Manama",
        store_codes=("D01", "D02"),
        currency="BHD",
        rate=Decimal("0.377"),
        tax_rate=Decimal("0.10"),
        document_type="cpr",
        time_zone="Asia/Bahrain",
    ),
)


def _goods(first: int, count: int, kind: str, names: Sequence[str]) -> tuple[Product, ...]:
    return tuple(
        Product(
            product_id=str(number),
            product_name=f"{names[number % len(names)]} {number}",
            product_type_id=kind,
            identifications={
                "SKU": f"SKU-{number}",
                "SHOPIFY_PROD_ID": f"{4_400_000_000_000 + number}",
                "UPCA": f"8720116{number:06}",
            },
        )
        for number in range(first, first + count)
    )


SHOES = _goods(10_000, 40, "FINISHED_GOOD", ("Sandal", "Boot", "Sneaker", "Loafer", "Slipper"))
KITS = _goods(20_000, 4, "MARKETING_PKG_PICK", ("School kit", "Care kit"))
DIGITAL = _goods(30_000, 2, "DIGITAL_GOOD", ("Gift card",))
WITHOUT_UPC = (
    Product("40000", "Prototype boot", identifications={"SHOPIFY_PROD_ID": "4400000040000"}),
)
PRODUCTS = {product.product_id: product for product in (*SHOES, *KITS, *DIGITAL, *WITHOUT_UPC)}
FACILITIES = {
    facility.facility_id: facility
    for facility in (
        NO_FACILITY,
        *(one for brand in BRANDS for one in (*brand.facilities, brand.uncoded)),
    )
}


def dollars(product: Product) -> Decimal:
    """Give what a product costs; always the same for the same product."""
    return Decimal(Random(product.product_id).randrange(499, 5_999)) / 100


def save(connection: Connection) -> None:
    """Write the whole catalog into the order store; may be repeated."""
    save_product_stores(
        connection, {brand.product_store_id: f"Zapatos {brand.country}" for brand in BRANDS}
    )
    save_facilities(connection, FACILITIES.values())
    save_products(connection, PRODUCTS.values())
