"""Why there is nothing for sale, in the driver's words; why a price cannot be set, in the operator's."""

from konsento.kit.errors import KonsentoError


class NoTariff(KonsentoError):
    """No price is in force for the outlet."""

    status = 503
    message = "There is no price for this outlet at the moment, so it cannot be used. Please take another outlet."


class BadTariff(KonsentoError):
    """What is said about a price cannot be. Its subclasses say why."""

    status = 422
    message = "Something about the price cannot be right. Nothing was changed."


class TariffNameMissing(BadTariff):
    """No name, or one that is too long."""

    message = "Give the price a name of at most {most} characters. Nothing was changed."


class TariffNameTaken(BadTariff):
    """A new price with the name of another one."""

    message = (
        "There is a price with the name {name} already. Choose another name, or change that one. Nothing was made."
    )


class SupplierMissing(BadTariff):
    """No supplier, or a name that is too long."""

    message = "Say who sells the power, in at most {most} characters. Nothing was changed."


class BadSupplierCode(BadTariff):
    """No registration number."""

    message = (
        "The supplier's registration number has capitals, digits, _ and -, 32 at most: A0269. It can be left empty."
        " Nothing was changed."
    )


class BadPrice(BadTariff):
    """No number, a negative or an enormous one, or one that can be read in two ways."""

    message = (
        "This is no price that can be used. Type a number from 0 to below {below}, with at most {digits} decimals,"
        " for example 38.50. Nothing was changed."
    )


class BadTaxRate(BadTariff):
    """No share of tax."""

    message = "The tax is a percentage from 0 to below 100, for example 10. Nothing was changed."


class BadBegin(BadTariff):
    """A moment that has passed, is years away, or is none."""

    message = (
        "A price begins now or later, within five years: sessions of the past keep what was agreed."
        " Nothing was changed."
    )


class PriceUnchanged(BadTariff):
    """The same holds at that moment already."""

    message = "This is what holds at that moment already. Nothing was changed."


class TariffHasBegun(BadTariff):
    """Sessions may have been sold at it."""

    status = 409
    message = "This price has begun already, so it cannot be withdrawn. Nothing was changed. Set a new price instead."
