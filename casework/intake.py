"""What somebody gives us to open a ticket: by phone, at a desk, from another system, or left on tape."""

from __future__ import annotations

from typing import Self

from pydantic import ConfigDict, Field, model_validator

from casework.ticket import Code, Facts, Kind, Name, Short

ON_THE_PHONE = "call"
"""The source of a ticket that an agent takes while the caller is on the line."""


class Intake(Facts):
    """A ticket to be opened; as a draft, anything may still be missing."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Kind
    source: Name = "desk"
    external_id: Short = Field("", description="what the other system calls it; the same id is never opened twice")
    call: Short = ""
    recording: Short = ""
    emergency: Code | None = Field(None, description="the emergency to attach it to")
    draft: bool = False

    @model_validator(mode="after")
    def _an_emergency_stands_alone(self) -> Self:
        if self.kind is Kind.EMERGENCY and self.emergency is not None:
            raise ValueError("an emergency cannot be attached to another emergency")
        return self

    def facts(self) -> Facts:
        """What is known of the matter."""
        return Facts(**{name: getattr(self, name) for name in Facts.model_fields})
