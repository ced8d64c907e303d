"""Makes the customer of an order: names, addresses, identity document, company. Pure."""

from __future__ import annotations

from random import Random

from sandbox.catalog import Brand
from tillbridge.oms.order import Address

_FIRST_NAMES = ("Ana", "Luis", "María José", "Óscar", "Fátima", "Jorge", "Noor", "Camila", "Íñigo")
_LAST_NAMES = ("Pérez", "Núñez", "García López", "Muñoz", "Al Khalifa", "O'Higgins", "Castillo")
_STREETS = ("Calle El Mirador", "6a Avenida", "Av. Providencia", "Road 2803", "Paseo Escalón")


class Customer:
    """A person made up for the order `number`."""

    def __init__(self, random: Random, brand: Brand, number: int) -> None:
        self._random = random
        self._brand = brand
        self.party_id = f"C{random.randrange(10**6):06}"
        self.first_name = random.choice(_FIRST_NAMES)
        self.last_name = random.choice(_LAST_NAMES)
        self.email = f"customer{number}@example.com"
        self.phone = f"+000 5550 {number % 10_000:04}"

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"

    def address(self, to_name: str) -> Address:
        """Make up an address in the brand's city."""
        return Address(
            to_name=to_name,
            address1=self._street(),
            address2=self._random.choice((None, None, "Apto. 4B", "Local 12")),
            city=self._brand.city,
            postal_code=f"{self._random.randrange(10**5):05}",
            country_geo_code=self._brand.country_code,
            country_geo_name=self._brand.country,
            email=self.email,
            phone=self.phone,
        )

    def receiver(self) -> str:
        """Give who gets the parcel: mostly the customer, at times somebody who gets a present."""
        if self._random.random() < 0.8:
            return self.name
        return f"{self._random.choice(_FIRST_NAMES)} {self._random.choice(_LAST_NAMES)}"

    def document(self) -> dict[str, str]:
        """Give the order attributes of the identity document."""
        number = f"{self._random.randrange(10**8):08}-{self._random.randrange(10)}"
        return {"customerId": number, "documentType": self._brand.document_type}

    def company(self) -> dict[str, str]:
        """Give the order attributes that ask for a tax-credit invoice."""
        return {
            "taxCredit": "true",
            "companyId": f"{self._random.randrange(10**13):014}",
            "companyName": f"{self.last_name} e Hijos, S.A.",
            "companyAddress": f"{self._street()}, {self._brand.city}",
        }

    def _street(self) -> str:
        return f"{self._random.choice(_STREETS)} {self._random.randrange(1, 400)}"
