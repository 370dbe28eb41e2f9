"""What bin/flask runs: Flask's own command line, with Vestibule's commands and help first.

It imports no other file of ours: FLASK_APP names the application, which brings its commands.
"""

import errno
import os
from typing import Any

import click
from click.exceptions import NoSuchCommand
from flask.cli import FlaskGroup, ScriptInfo

OF_FLASK = ("routes", "run", "shell")
HELP = """Vestibule: accounts with sign-up, log-in, profile and log-out.

    These commands look after an installation: its database, its accounts, who is logged in. They
    read the settings that the server reads, and may run while it serves.

    \b
    flask users create Jane
    flask users list --search jan
    flask sessions end --user Jane
    flask doctor
    """


class Main(FlaskGroup):
    """The group of all commands."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command; --help, too, survives an output that takes nothing."""
        try:
            return super().main(*args, **options)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EIO, errno.EBADF):
                raise
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python would try again at its end
            click.echo(f"Error: the output cannot be written: {error.strerror}", err=True)
            raise SystemExit(1) from None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find a command; suggest one of all for a misspelt name."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            raise NoSuchCommand(args[0], possibilities=self.list_commands(ctx), ctx=ctx)
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands. A bad setting is one line here too, no traceback."""
        ctx.ensure_object(ScriptInfo).load_app()
        return super().list_commands(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, Flask's own last."""
        for title, of_flask in (("Commands", False), ("Commands of Flask", True)):
            names = [name for name in self.list_commands(ctx) if (name in OF_FLASK) == of_flask]
            commands = [(name, self.get_command(ctx, name)) for name in names]
            with formatter.section(title):
                width = formatter.width - 6 - max(map(len, names))
                formatter.write_dl(
                    [(name, each.get_short_help_str(width)) for name, each in commands if each]
                )


main = Main(name="flask", help=HELP)
for option in main.params:
    if isinstance(option, click.Option):
        # The application and its settings are given, and --debug belongs to `run`.
        option.hidden = option.name != "version"
        option.help = "Show the version."

if __name__ == "__main__":
    main(prog_name="flask")
