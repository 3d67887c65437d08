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


class NoRate(BadTariff):
    """Nothing is said about what anything costs."""

    message = (
        "Say what it costs: at least a price per kWh, per minute or per charging. 0 is a price too."
        " Nothing was changed."
    )


class TooManyRates(BadTariff):
    """More bands than anybody could read."""

    message = "A price has {most} rates and bands at most. Nothing was changed."


class BadFreeTime(BadTariff):
    """No time for which standing idle costs nothing."""

    message = "Standing idle costs nothing for 0 to 1440 minutes, in whole minutes. Nothing was changed."


class IdleWithoutEnergy(BadTariff):
    """A fee for standing idle, and no price of energy."""

    message = (
        "A fee for standing idle needs a price per kWh beside it (0 is one): only where energy is sold it is known that"
        " a car takes none. Nothing was changed."
    )


class NothingOutsideBands(BadTariff):
    """Energy costs something in bands, and nothing is said about the rest of the time."""

    message = "Say also what a kWh costs outside of the bands. Nothing was changed."


class BandsOfFollowing(BadTariff):
    """Energy that follows the grid and has bands, or no price at all."""

    message = (
        "A price that follows recommended windows or the spot price has one price per kWh beside it, which counts at"
        " all other times, and no bands of its own for energy. Nothing was changed."
    )


class WindowsNotCheaper(BadTariff):
    """Energy that costs as much or more in recommended windows."""

    message = "In recommended windows a kWh costs less than at other times. Nothing was changed."


class BadFactor(BadTariff):
    """No factor of the spot price."""

    message = "The spot price is multiplied by a number above 0, {most} at most. Nothing was changed."


class BadPlus(BadTariff):
    """No number that is added to the spot price, or an enormous one."""

    message = (
        "What is added to the spot price is a number below {below}, with at most {digits} decimals; below 0 it is taken"
        " off. Nothing was changed."
    )


class BadFloorAndCap(BadTariff):
    """A floor or cap that is none, or a price per kWh that does not lie between them."""

    message = (
        "Say the least and the most that a kWh costs, whatever the spot price is. The price per kWh that counts where"
        " the spot price is not known lies between them. Nothing was changed."
    )


class BadBand(BadTariff):
    """No hours, no weekday, or no season."""

    message = (
        "A band has hours from 00:00 to 24:00 that differ, at least one weekday, and a season of two days of the year,"
        " for example 12-01 to 02-28. Nothing was changed."
    )


class BandWithoutPrice(BadTariff):
    """A band in which nothing costs anything else than outside of it."""

    message = "Say what something costs in each band, or leave its row empty. Nothing was changed."


class BadExample(BadTariff):
    """What is to be worked out as an example is no charging."""

    message = "The example is a charging of up to 1000 kWh and 1440 minutes, at a day and time. Nothing was changed."


class OverlappingBands(BadTariff):
    """Two rates for one moment."""

    message = (
        "Two bands for the same thing hold at the same time, so nobody could tell which one counts."
        " Nothing was changed."
    )


class BadFixedAmount(BadTariff):
    """A minimum or maximum that is negative, enormous or finer than the currency."""

    message = (
        "The least and the most of one charging are amounts from 0 to below {below} in the currency's own coins."
        " Nothing was changed."
    )


class MinimumAboveMaximum(BadTariff):
    """The least that a charging costs is more than the most."""

    message = "The least that a charging costs is above the most. Nothing was changed."


class BadTaxRate(BadTariff):
    """No share of tax."""

    message = "The tax is a percentage from 0 to below 100, for example 10. Nothing was changed."


class BadCarbon(BadTariff):
    """No number of grams, or far too many."""

    message = (
        "The carbon factor is a whole number of g CO₂ per kWh from 0 to below {below}. It can be left empty."
        " Nothing was changed."
    )


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


class OfferGone(KonsentoError):
    """What the driver chose is not sold at the outlet any more."""

    message = "What you chose is not sold here any more. Nothing was started, nothing is charged. Choose again."


class BadPowerType(KonsentoError):
    """What is said about a power type cannot be. Its subclasses say why."""

    status = 422
    message = "Something about the power type cannot be right. Nothing was changed."


class UnknownPowerType(BadPowerType):
    """No such type, or one with too many above it to have another one below."""

    message = "There is no such power type, or nothing can be added below it. Nothing was changed."


class PowerTypeTaken(BadPowerType):
    """A new type with the word of another one."""

    message = "There is a power type {word} already. Nothing was changed."


class BadPowerName(BadPowerType):
    """A word or a name that cannot be used."""

    message = (
        "The word has small letters, digits and -, 20 at most; the two names have 1 to {most} characters."
        " Nothing was changed."
    )


class PowerTypeInUse(BadPowerType):
    """Tariffs are of it, or other types lie below it."""

    status = 409
    message = "Prices were made for this power type, or others lie below it, so it stays. Nothing was changed."


class BadSupplier(KonsentoError):
    """What is said about a supplier cannot be. Its subclasses say why."""

    status = 422
    message = "Something about the supplier cannot be right. Nothing was changed."


class UnknownSupplier(BadSupplier):
    """No supplier with this code."""

    status = 404
    message = "There is no such supplier. Nothing was changed."


class SupplierCodeMissing(BadSupplier):
    """No registration number, or one of another form."""

    message = (
        "A supplier needs a registration number: capitals, digits, _ and -, 32 at most: A0269. Nothing was changed."
    )


class SupplierCodeTaken(BadSupplier):
    """Another supplier has it."""

    message = "There is a supplier with the registration number {code} already. Nothing was changed."


class SupplierNameMissing(BadSupplier):
    """No name, or texts that are too long."""

    message = "Give the supplier a name of at most {most} characters. Nothing was changed."


class BadInvoiceNumber(BadSupplier):
    """No number of a qualified invoice issuer."""

    message = (
        "The invoice number is T and 13 digits, and its check digit must fit. It can be left empty."
        " Nothing was changed."
    )


class BadContract(KonsentoError):
    """What is said about a contract cannot be. Its subclasses say why."""

    status = 422
    message = "Something about the contract cannot be right. Nothing was changed."


class BadShares(BadContract):
    """No shares, or more than there is."""

    message = "The shares are percentages from 0 to 100, and both together are 100 at most. Nothing was changed."


class BadContractTime(BadContract):
    """No times, or an end before the begin."""

    message = "A contract has a begin, and its end, if there is one, comes after it. Nothing was changed."


class ContractOverlaps(BadContract):
    """Two contracts of one supplier for one site, or for all, at the same time."""

    status = 409
    message = (
        "There is another contract with this supplier for the same place at that time. End that one first."
        " Nothing was changed."
    )


class ContractOver(BadContract):
    """It has ended, or would end before now: what was sold in it stays explained."""

    status = 409
    message = "A contract ends now or later, and one that has ended stays as it is. Nothing was changed."
