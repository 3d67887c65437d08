"""Why a file about the grid cannot be read: one class for each reason. Nothing is taken from such a file."""

from konsento.kit.errors import KonsentoError


class Unreadable(KonsentoError):
    """A file cannot be read for certain. Nothing of it was taken; what was read before stays."""

    status = 422
    message = "The file cannot be read."


class EmptyFile(Unreadable):
    """There is nothing in it."""

    message = "The file is empty."


class TooLarge(Unreadable):
    """It is larger than any such file."""

    message = "The file is larger than {megabytes} MB; no published file of this kind is."


class NotText(Unreadable):
    """Its bytes are no text in an encoding that publishers use."""

    message = (
        "This is neither text in UTF-8 nor in Shift JIS (cp932). The first bytes that do not fit are in line {line}."
    )


class Mojibake(Unreadable):
    """Its signs were decoded wrongly and saved like that."""

    message = (
        "The text was destroyed when the file was saved in another encoding: it says “{seen}”. Fetch the original."
    )


class WebPage(Unreadable):
    """A source answered with a page for people instead of its data."""

    message = "This is a web page (“{title}”), not data: the source reports an error or has moved."


class NotThisFormat(Unreadable):
    """It is none of the known formats, or not the one that the source is said to have."""

    message = "The file is not of the format “{wanted}”. It begins with “{beginning}”."


class UnknownFormat(Unreadable):
    """None of the known formats."""

    message = "No known format is like this file. It begins with “{beginning}”."


class CutOff(Unreadable):
    """The rest of it is missing."""

    message = "The file is cut off after line {line}: {have} of {expected} are there."


class ChangedHeader(Unreadable):
    """A column is not where it always was, or has another name: its numbers may mean something else."""

    message = "The layout has changed: where “{expected}” should be stands “{found}”."


class ChangedUnit(Unreadable):
    """The numbers are in another unit than they always were."""

    message = "The unit has changed: {expected} is expected, and the file says “{found}”."


class UnknownArea(Unreadable):
    """Neither the file nor its name says which region it is about."""

    message = "Neither the file nor its name “{name}” says which region it is about. Name the region."


class OtherArea(Unreadable):
    """It is about another region than the source is."""

    message = "The file is about {found}, not about {wanted}."


class UnknownZone(Unreadable):
    """It names a region that is not known here."""

    message = "“{zone}” is no region that is known here. Name the region that it belongs to."


class WrongDay(Unreadable):
    """Its rows are of another day than it says."""

    message = "The file should be about {expected}, and line {line} is about {found}."


class NotANumber(Unreadable):
    """A cell should hold a number."""

    message = "Line {line}: “{seen}” is no number."


class NotADay(Unreadable):
    """A cell should hold a day; `4/5/2025` could be two."""

    message = "Line {line}: “{seen}” is no day that can be told for certain (2025/04/16 and 20250416 can)."


class NotATime(Unreadable):
    """A cell should hold a time."""

    message = "Line {line}: “{seen}” is no time."


class NotAWord(Unreadable):
    """A cell should hold one of a few words."""

    message = "Line {line}: “{seen}” is none of {words}."


class ShiftedTime(Unreadable):
    """Number and time of a slot do not belong together."""

    message = "Line {line}: slot {slot} begins at {expected}, and the file says {found}."


class Contradiction(Unreadable):
    """It says two different things about the same slot."""

    message = "Line {line}: the slot {begin} of {region} is there already, with other values."


class Overlap(Unreadable):
    """Slots of a region that share time, or two days of an archive that tell different things of the same slot."""

    message = "The file says two things about {region} at {begin}: slots overlap, or stand there twice."


class Impossible(Unreadable):
    """Energy below zero, or more than any grid has."""

    message = "Line {line}: {value} kWh cannot be. Nothing else in the file is trusted."


class NoDemand(Unreadable):
    """A slot without demand, in which something is generated."""

    message = "Line {line}: the demand is 0, and power is generated."


class NoSupply(Unreadable):
    """A slot with demand, in which nothing at all is generated."""

    message = "Line {line}: the demand is {demand} kWh, and the supply is 0."


class TooMuchOfFirstType(Unreadable):
    """More solar, wind or renewable power than power in all."""

    message = "Line {line}: of {supply} kWh that are generated, {first} kWh cannot be solar, wind or renewable power."


class ImpossibleShare(Unreadable):
    """A share below 0 or above 100 %."""

    message = "Line {line}: a share of {percent} % cannot be."


class ImpossiblePrice(Unreadable):
    """A price beyond the bounds of every market."""

    message = "Line {line}: a price of {price} per kWh is beyond the bounds of every market."


class SumsDiffer(Unreadable):
    """Many rows whose parts do not add up: a column means something else than its name."""

    message = "In {count} of {rows} rows the sources do not add up to the total and the demand, first in line {line}."


class OddLength(Unreadable):
    """A slot that is not 5 to 60 minutes long."""

    message = "Line {line}: a slot of {minutes} minutes is not read; slots have 5 to 60."


class OtherSize(Unreadable):
    """A demand so far from the region's size that the numbers must be in another unit, or of another region."""

    message = "Line {line}: a demand of {demand} kWh cannot be in {region}. Are the numbers in another unit?"


class NoData(Unreadable):
    """There is no value in it yet."""

    message = "There are no values in the file. It says: “{said}”."


class OnlyIntensity(Unreadable):
    """It tells grams of CO2 per kWh, but nothing about supply, demand, renewable power or prices."""

    message = "The file tells carbon intensity alone. Use the address of the same source that tells the mix of power."


class BadArchive(Unreadable):
    """A zip file that is damaged, encrypted, or packs more than it may."""

    message = "The zip file cannot be unpacked safely: {why}."


class UnsafeDocument(Unreadable):
    """An XML document that has a document type or entities, which no published one has."""

    message = "The XML has a document type or entities; published ones have none, and they are not read."


class BrokenDocument(Unreadable):
    """XML or JSON that does not parse; most often it is cut off."""

    message = "The document is damaged or cut off in line {line}."


class OddPeriod(Unreadable):
    """A time that does not hold the points that are said to be in it."""

    message = "Line {line}: {begin} to {end} does not hold point {position} of {minutes} minutes each."


class UnknownDocument(Unreadable):
    """A document of a known family that tells something else than balance, renewable power or prices."""

    message = "The document is of the kind “{kind}”. Those that are read: {known}."


class UnknownColumn(Unreadable):
    """A name that the format does not have; a slip of the pen would lose its values."""

    message = "There is no column “{found}”. Columns are: {known}."


class NoSuchTime(Unreadable):
    """A local time that the clock skips."""

    message = (
        "Line {line}: {time} does not exist in {zone}: the clock goes forward over it. Write times with their offset."
    )


class UnknownTimeZone(Unreadable):
    """Times without an offset, and nothing says by which clock."""

    message = (
        "The times have no offset, and no time zone is known for {region}. Write them like 2026-04-01T12:00+09:00."
    )
