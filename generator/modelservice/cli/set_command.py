"""`modelservice set`: single keys of a values file."""

from __future__ import annotations

import click

from modelservice.cli.options import ignore_option, ignored_rules, layers_option, require_files, services_of


@click.command("set")
@click.argument("file", metavar="VALUES", type=click.Path(readable=False))
@click.argument("settings", nargs=-1, required=True, metavar="KEY=VALUE|KEY-...")
@layers_option
@ignore_option
@click.option("--diff", is_flag=True, help="Print the change, and write nothing.")
def set_command(file: str, settings: tuple[str, ...], layers: tuple[str, ...], diff: bool) -> None:
    """Set or remove keys of a values file.

    Keys are written as findings print them: gpu.count, args[0], nodeSelector["a.b/c"]. The index after a list's last
    item appends. KEY- removes a key. A value gets the type that the schema requires; write lists and maps in
    brackets. Nothing is written if the file would get a new error. Comments and layout stay.

    \b
    Examples:
      modelservice set values.yaml gpu.count=2 image.tag=v0.33.0
      modelservice set values.yaml 'args[0]=--max-model-len=8192'
      modelservice set values.yaml nodeSelector-
    """
    if not diff:
        require_files([file])
    from modelservice.editing import changes
    from modelservice.editing.fixing import load_files
    from modelservice.editing.setting import parsed, with_settings
    from modelservice.report import report

    # A layer of a fleet is changed itself.
    files = load_files([one for one in services_of([file], layers) if one[-1] == file] or [[*layers, file]])
    checked = with_settings(files, [parsed(text) for text in settings], ignored_rules())
    shown = checked.refused or checked.findings
    sources = files.having({checked.document.name: checked.document}).documents
    text = report(shown, "text", sources={name: one.text for name, one in sources.items()}, files=1)
    click.echo(text, nl=False, err=True)
    if checked.refused:
        click.echo(f"{file} was not changed", err=True)
        raise SystemExit(1)
    change = (files.documents[checked.document.name], checked.document)
    changed = [change] if change[0].text != change[1].text else []
    click.echo(changes.diff(changed), nl=False)
    if not diff:
        changes.write(changed)
