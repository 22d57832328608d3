"""`modelservice set`: single keys of a values file."""

from __future__ import annotations

import click

from modelservice.cli.options import ignore_option, ignored_rules, layers_option, require_existing, require_files
from modelservice.cli.progress import progress


@click.command("set", context_settings={"ignore_unknown_options": True})
@click.argument("file", metavar="VALUES", type=click.Path(readable=False))
@click.argument("settings", nargs=-1, required=True, metavar="KEY=VALUE|KEY-...")
@layers_option
@ignore_option
@click.option("--diff", is_flag=True, help="Print the change, and write nothing.")
def set_command(file: str, settings: tuple[str, ...], layers: tuple[str, ...], diff: bool) -> None:
    """Set or remove keys of a values file.

    Keys are written as findings print them: gpu.count, args[0], nodeSelector["a.b/c"]. The index after a list's last
    item appends. KEY- removes a key. A value gets the type that the schema requires; write lists and maps in
    brackets. Nothing is written if the file would get a new error; for a layer of a fleet, if one of its services
    would. Comments and layout stay.

    \b
    Examples:
      modelservice set values.yaml gpu.count=2 image.tag=v0.33.0
      modelservice set values.yaml 'args[0]=--max-model-len=8192'
      modelservice set values.yaml nodeSelector-
    """
    _require_known_options(settings)
    if not diff:
        require_files([file])
    require_existing([file, *layers])
    from modelservice.editing import changes
    from modelservice.editing.fixing import load_files
    from modelservice.editing.setting import parsed, with_settings
    from modelservice.findings import dotted
    from modelservice.gitops.members import using
    from modelservice.report import report

    files = load_files(using(file, layers))
    name = "<stdin>" if file == "-" else file
    with progress() as show:
        checked = with_settings(files, name, [parsed(text) for text in settings], ignored_rules(), show)
    shown = checked.refused or checked.findings
    click.echo(report(shown, "text", sources=checked.sources, files=1), nl=False, err=True)
    if checked.refused:
        click.echo(f"{file} was not changed", err=True)
        raise SystemExit(1)
    change = (files.documents[name], checked.document)
    if change[0].text == change[1].text:
        click.echo(f"{file} already says so: nothing changed", err=True)
        return
    click.echo(changes.diff([change]), nl=False)
    if not diff:
        changes.write([change])
    if checked.overridden and len(files.services) > 1:
        keys = ", ".join(map(dotted, checked.overridden))
        click.echo(f"no effect on {keys}: all services override it in later layers or their own files", err=True)
    if len(files.services) > 1:
        click.echo(f"{file} is a layer of {len(files.services)} services", err=True)


def _require_known_options(settings: tuple[str, ...]) -> None:
    """Raise NoSuchOption for an unknown option; a flag of vLLM gets a hint later."""
    context = click.get_current_context()
    for name in (text.partition("=")[0] for text in settings if text.startswith("-")):
        from modelservice.vllm.flags import flag_meant

        if not flag_meant(name):
            options = [one for parameter in context.command.params for one in parameter.opts if one.startswith("-")]
            raise click.NoSuchOption(name, possibilities=options, ctx=context)
