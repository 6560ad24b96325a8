"""The pages of the console, in the order of its navigation: to add one, write its module and list it here."""

from ttsai_server.console.pages import (
    accounts,
    jobs,
    keys,
    listen,
    models,
    speak,
    talk,
    tools,
    translate,
    usage,
    voices,
)
from ttsai_server.console.pages.page import Page

PAGES: tuple[Page, ...] = (
    speak.PAGE,
    listen.PAGE,
    voices.PAGE,
    tools.PAGE,
    translate.PAGE,
    talk.PAGE,
    jobs.PAGE,
    usage.PAGE,
    keys.PAGE,
    models.PAGE,
    accounts.PAGE,
)
