"""The browser that looks at the pages in the tests, kept away from the world."""

from tests.servers import HOST, find

# Names lead nowhere but to this machine, and the browser asks nothing on its own account.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    f"--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE {HOST} , EXCLUDE localhost",
)


def path() -> str:
    """The path of Chromium, for Playwright's `launch(executable_path=…, args=ARGUMENTS)`."""
    return find("chromium", package="chromium")
