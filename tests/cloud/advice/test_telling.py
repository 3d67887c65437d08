"""A day from its decision to what drivers read of it: who is told, when, and what."""

from datetime import timedelta

from .drivers import DAY, TODAY, Town, at

HOUR = timedelta(hours=1)


async def test_a_decided_day_is_told_at_eight_in_the_evening_with_all_that_a_driver_needs(town: Town) -> None:
    await town.driver("ann")
    await town.decide()
    await town.wait_until(at(19, 59))
    assert town.mails == []

    await town.wait_until(at(20))

    [mail] = town.mails
    assert (mail["To"], mail["Subject"]) == ("ann@example.com", "A good time to charge tomorrow: 08:00–16:00")
    body = mail.get_body(("plain",))
    assert body is not None
    text = body.get_content().replace("\u00a0", " ")
    print(text)
    for part in mail.iter_attachments():
        print(part.get_content_type(), part.get_content())
