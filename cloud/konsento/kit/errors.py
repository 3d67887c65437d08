"""The errors that a person reads."""

from typing import ClassVar


class KonsentoError(Exception):
    """Something that a caller asked for cannot be done, and why, in the caller's words.

    A subclass is one reason. `message` is an English sentence with `{name}` placeholders and the key of its
    translation (`kit.i18n`); `status` is the HTTP status that an endpoint answers with. Nothing has changed when
    one is raised: the transaction around it is rolled back.
    """

    status: ClassVar[int] = 409
    message: ClassVar[str]

    def __init__(self, **values: object) -> None:
        super().__init__(self.message.format(**values))
        self.values = values

    @property
    def code(self) -> str:
        """Stable name for programs: the name of the class, for example `OutletBusy`."""
        return type(self).__name__
