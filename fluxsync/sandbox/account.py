"""The account's settings: what `GET /api/account` shows and what uploads are measured against.

Values are those of the sample [000] where the sandbox has no own. The features of a plan are only in the XML
answer [web-api]; `versions` is the one that changes what the server does ("updating assets requires the
versioning feature" [001]).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

PlanName = Literal["versions", "no-versions"]

#: The sample's used and available space add up to exactly this [000].
DEFAULT_QUOTA_BYTES = 28 * 2**30


@dataclass(frozen=True, slots=True)
class Plan:
    """What the account holder pays for. Plan names are from [000]."""

    name: str
    versions: bool


PLANS: Mapping[str, Plan] = {
    "versions": Plan("Business", versions=True),
    "no-versions": Plan("Starter", versions=False),
}


@dataclass(frozen=True, slots=True)
class Account:
    """The settings of one account; `api_enabled` is the account holder's switch [001]."""

    subdomain: str = "sandbox"
    plan: Plan = PLANS["versions"]
    quota_bytes: int = DEFAULT_QUOTA_BYTES
    api_enabled: bool = True
    billing_email: str = "billing@sandbox.example.com"
    billing_address: str = "Jane Smith\nSandbox Inc\n123 Main St\nNew York NY 10001"
    country: str = "AT"
    branding_title: str = "Sandbox"
    branding_logo: str = "/branding/logo.png"
    top_color: str = "#000000"
    bottom_color: str = "#32302E"
    font_color: str = "#ffffff"


@dataclass(frozen=True, slots=True)
class AccountState:
    """The account with the figures of this moment."""

    account: Account
    holder_id: int
    created: int
    used_bytes: int

    @property
    def available_bytes(self) -> int:
        """The space that is left, never below zero even where the quota was lowered."""
        return max(0, self.account.quota_bytes - self.used_bytes)
