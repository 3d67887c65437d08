"""Words of the database as the staff reads them. Marked for translation; `Language.text` translates."""

from typing import Final

from konsento.kit.i18n import marked
from konsento.models import Role

ROLES: Final = {
    Role.VIEWER: marked("Viewer: looks"),
    Role.SUPPORT: marked("Support: helps drivers"),
    Role.OPERATOR: marked("Operator: runs sites"),
    Role.ADMIN: marked("Administrator"),
}
