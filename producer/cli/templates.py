"""`nightpress templates`."""

from pathlib import Path
from typing import Annotated

import typer

from producer.cli.batches import Json, Quiet
from producer.cli.exits import EXIT_INPUT
from producer.cli.terminal import complain, say, show_json, show_table
from reporting import Template, check_template, load_template, scaffold_template, shipped_templates
from reporting.prompt import PROMPT_TEMPLATE

app = typer.Typer(help="Report templates: list, show, check, new.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="TEMPLATE", help="A template's name, or its folder.")]
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The template's folder.")]


@app.command("list")
def list_templates(json: Json = False, quiet: Quiet = False) -> None:
    """List the templates that ship with us."""
    templates = [load_template(name) for name in shipped_templates()]
    if quiet:
        print("\n".join(one.name for one in templates))
    elif json:
        show_json([_brief(one) for one in templates])
    else:
        rows = [(one.name, one.language, one.description) for one in templates]
        show_table(("name", "language", "description"), rows)


@app.command("show")
def show(template: Name, json: Json = False) -> None:
    """Show a template's fields, sections and prompt."""
    loaded = load_template(template)
    if json:
        show_json(_whole(loaded))
        return
    print(f"{loaded.name} (version {loaded.version}, {loaded.language}): {loaded.description}\n")
    fields = [
        (
            one.name,
            one.type,
            "required" if one.required else "",
            one.description,
            ", ".join(one.aliases),
        )
        for one in loaded.fields
    ]
    show_table(("field", "type", "", "description", "columns that hold it, too"), fields)
    print()
    sections = [(one.name, one.n, one.max_tokens, one.question) for one in loaded.sections]
    show_table(("section", "n", "max_tokens", "question"), sections)
    print(f"\nprompt:\n\n{loaded.content[PROMPT_TEMPLATE].rstrip()}")


@app.command("check")
def check(template: Name) -> None:
    """Say what is wrong with a template."""
    problems = check_template(template)
    for problem in problems:
        say(f"{template}: {problem}")
    if problems:
        raise typer.Exit(EXIT_INPUT)
    print(f"{template}: all well")


@app.command("new")
def new(
    folder: Folder,
    name: Annotated[str | None, typer.Option(help="Its name; the folder's without.")] = None,
) -> None:
    """Make a folder with a template to start from."""
    try:
        scaffold_template(folder, name or folder.resolve().name)
    except (FileExistsError, ValueError) as error:
        raise typer.Exit(complain(error, EXIT_INPUT)) from error
    print(folder)
    # A bare name may be that of a template that ships.
    path = f"./{folder}" if len(folder.parts) == 1 and not folder.is_absolute() else folder
    say(f"edit it, then try it: nightpress templates check {path}")


def _brief(template: Template) -> dict[str, str]:
    return {
        "name": template.name,
        "version": template.version,
        "language": template.language,
        "description": template.description,
        "digest": template.digest,
    }


def _whole(template: Template) -> dict[str, object]:
    return _brief(template) | {
        "fields": [one.model_dump(mode="json") for one in template.fields],
        "sections": [one.model_dump(mode="json") for one in template.sections],
        "prompt": template.content[PROMPT_TEMPLATE],
    }
