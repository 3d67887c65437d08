"""Why a coupon or points cannot be used, in the driver's words; why a rule cannot be made, in the operator's."""

from konsento.kit.errors import KonsentoError


class CannotDiscount(KonsentoError):
    """A coupon or points that cannot be used here and now. Its subclasses say why."""

    status = 422
    message = "This coupon cannot be used here."


class UnknownCoupon(CannotDiscount):
    """No such code, or another driver's: the answer does not tell which."""

    message = "There is no coupon with this code. Please look at it once more, or go on without it."


class CouponNotYet(CannotDiscount):
    """It begins later."""

    message = "This coupon is not good yet. Keep it, and go on without it today."


class CouponOver(CannotDiscount):
    """It has run out, or was stopped."""

    message = "This coupon has run out. Please go on without it."


class CouponUsedUp(CannotDiscount):
    """It was used as often as it can be."""

    message = "This coupon has been used as often as it can be. Please go on without it."


class CouponUsedByYou(CannotDiscount):
    """The driver has used it as often as one driver can."""

    message = "You have used this coupon as often as one person can. Please go on without it."


class CouponForFirst(CannotDiscount):
    """It is for the first charging."""

    message = "This coupon is for the first charging of a new account. Please go on without it."


class CouponNeedsAccount(CannotDiscount):
    """It is bound to a person, and nobody knows who a guest is, or who has only signed up."""

    message = (
        "This coupon is for drivers with an account whose e-mail address is confirmed. Sign in to use it, or go on"
        " without it."
    )


class CouponNotHere(CannotDiscount):
    """It is for other outlets."""

    message = "This coupon is not good at this outlet. Keep it, and go on without it here."


class CouponNotForThisPower(CannotDiscount):
    """It is for other power."""

    message = "This coupon is not good for this power. Keep it, and go on without it here."


class CouponBelowLeast(CannotDiscount):
    """The bill cannot reach the coupon's least amount."""

    message = (
        "This coupon is good for bills of {least} {currency} and more, and this charging stays below that. Choose more,"
        " or go on without the coupon."
    )


class PointsNeedAccount(CannotDiscount):
    """A guest has no points."""

    message = "Points are for drivers with an account. Please go on without them, or make an account first."


class TooFewPoints(CannotDiscount):
    """More points than are left: some may be reserved for another charging."""

    status = 409
    message = "You have {left} points that can be used now. Please choose at most so many."


class BadPoints(CannotDiscount):
    """No number of points."""

    message = "This is no number of points. Type a whole number, for example 100."


class BadReward(KonsentoError):
    """A rule or a coupon that cannot be. Its subclasses say why."""

    status = 422
    message = "Something about it cannot be right. Nothing was made."


class BadPointsPerKwh(BadReward):
    """No number, none, or too many."""

    message = (
        "Points for a kWh are a number above 0 and at most {most}, with at most {digits} decimals. Nothing was made."
    )


class BadHours(BadReward):
    """No two different times of the day."""

    message = "Hours are two different times of the day, or none for the whole day. Nothing was made."


class BadValidity(BadReward):
    """It would end before it begins, or before now."""

    message = "It has to end after it begins, and later than now. Nothing was made."


class UnknownTerm(BadReward):
    """A tariff, site, outlet or power type that there is not."""

    message = "One of the sites, outlets, tariffs or kinds of power is not known. Nothing was made."


class CouponTitleMissing(BadReward):
    """No title, or one that is too long."""

    message = "Give the coupon a title of at most {most} characters. Nothing was made."


class BadCouponValue(BadReward):
    """Nothing off, more than everything, or no number."""

    message = (
        "A coupon takes off more than nothing: at most 100 %, at most {energy} kWh, or an amount of money in whole"
        " coins of at most {amount}. Nothing was made."
    )


class BadCouponLimit(BadReward):
    """A limit that is no whole number above zero."""

    message = "A limit is a whole number from 1 to {most}, or empty for none. Nothing was made."


class BadCode(BadReward):
    """No code that can be typed."""

    message = "A code has {shortest} to {longest} letters A to Z and digits. Nothing was made."


class CodeTaken(BadReward):
    """Another coupon has this code."""

    status = 409
    message = "There is a coupon with this code already. Nothing was made."


class TooManyCodes(BadReward):
    """More codes than one batch has."""

    message = "One batch has 1 to {most} codes. Nothing was made."


class RewardStopped(BadReward):
    """It has ended already."""

    status = 409
    message = "This was stopped already. Nothing was changed."


class BadCorrection(BadReward):
    """No whole number of points, none, or more than the bound."""

    message = (
        "A correction is a whole number of points, above or below 0, at most {most}, and takes no more than the driver"
        " has free: {left}. Nothing was changed."
    )


class GuestsHaveNoPoints(BadReward):
    """Points need an account."""

    status = 409
    message = "Points and coupons of a driver need an account. Nothing was changed."
