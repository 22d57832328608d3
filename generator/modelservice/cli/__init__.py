"""Command line: each command parses, makes one library call and reports.

Data goes to standard output, messages to standard error. Exit codes: 0 success; 1 the input is wrong or a generated
file is stale; 2 wrong usage, or `diff` could not compare; 3 a tool failed. Commands import what they need when they
run: start-up takes most of the time of `validate`.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import signal
import sys
from typing import Any, ClassVar

import click

from modelservice import __version__
from modelservice.cli.command_group import CommandGroup
from modelservice.errors import ModelServiceError, ToolError, shortened

# Commands by purpose; `validate` is in validate_command.py.
_SECTIONS = {
    "Writing values": ["init", "import", "set", "upgrade", "explain", "schema"],
    "Checking": ["validate", "fit", "diff"],
    "Building": ["render", "template", "package", "publish", "argocd", "flux"],
    "Using": ["access", "smoke"],
    "Maintaining this project": ["generate"],
}


class _Commands(CommandGroup):
    """The commands, listed by purpose. Errors with a message of our own are reported here."""

    # `render` comes before `helm install`.
    meant: ClassVar = {
        **dict.fromkeys(("check", "lint"), "validate"),
        **dict.fromkeys(("apply", "build", "deploy", "install"), "render"),
    }

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ModelServiceError as error:
            from modelservice.redact import hidden

            click.echo(f"error: {hidden(str(error))}", err=True)
            ctx.exit(error.exit_code)
        except click.ClickException as error:
            # The message may quote the command line.
            from modelservice.redact import hidden

            vars(error)["message"] = hidden(error.message)
            raise
        except BrokenPipeError:
            # The reader, such as `head`, has seen enough: click ends without a message.
            raise
        except OSError as error:
            from modelservice.redact import hidden

            # With a file name: a given path, such as one that is too long. Without: standard output is full or closed.
            named = shortened(hidden(f"{error.filename}: ")) if error.filename else ""
            with contextlib.suppress(OSError):
                click.echo(f"error: {named}{error.strerror or error}", err=True)
            ctx.exit(1 if named else 3)
        except KeyboardInterrupt:
            # As shells do it; 1 means a difference for `diff`, and wrong input for other commands.
            click.echo("stopped", err=True)
            ctx.exit(130)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for commands in _SECTIONS.values() for name in commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"{__name__}.{cmd_name}_command")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, commands in _SECTIONS.items():
            with formatter.section(title):
                found = [(name, self.get_command(ctx, name)) for name in commands]
                formatter.write_dl([(name, command.get_short_help_str(80)) for name, command in found if command])


_COMPLETION = """\b
Shell completion, for the shell's start-up file:
  bash  eval "$(_MODELSERVICE_COMPLETE=bash_source modelservice)"
  zsh   eval "$(_MODELSERVICE_COMPLETE=zsh_source modelservice)"
  fish  _MODELSERVICE_COMPLETE=fish_source modelservice | source
"""


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_COMPLETION)
@click.version_option(__version__, prog_name="modelservice")
def main() -> None:
    """Turn one small values file into a checked Helm chart that serves a model with vLLM.

    \b
    A first service:
      modelservice init Qwen/Qwen3-8B --gpu L40S -o values.yaml
      modelservice validate values.yaml
      modelservice render values.yaml -o build/chat --name chat
      helm install chat build/chat --namespace models --create-namespace

    Exit codes: 0 success; 1 the input is wrong; 2 wrong usage; 3 a tool, registry or server failed; 130 interrupted.
    """
    # Clean up unfinished work, as after Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if sys.stdout is None:
        raise ToolError("standard output is closed")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # YAML and JSON are UTF-8 in every locale; characters that cannot be encoded are escaped.
        encoding = sys.stdout.encoding if sys.stdout.isatty() else "utf-8"
        sys.stdout.reconfigure(encoding=encoding, errors="backslashreplace")
