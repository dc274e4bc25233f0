"""What a template may spend, and what the sandbox keeps it from."""

import time

import pytest

from reporting import RenderFailed, Template
from reporting.limits import MAX_S
from tests.reporting.templates import BATCH, CONTENT, changed, values_of


def rendered(source: str) -> str:
    template = Template.from_content({**CONTENT, "report.md.j2": source})
    return template.render(
        values_of(name="Ann"), {"summary": "x"}, scores={}, batch=BATCH, row=1
    ).markdown


def looped(body: str) -> str:
    return "{% for i in range(99999) %}" + body + "{% endfor %}"


def doubled(value: str) -> str:
    """`n.a` and the list `n.b` grow by what is written here, a hundred times."""
    start = "{% set n = namespace(a='aa', b=[1], c=9) %}{% for i in range(99) %}"
    return f"{start}{{% set {value} %}}{{% endfor %}}"


@pytest.mark.parametrize(
    "source",
    [
        looped(looped(looped(""))),
        looped(looped("{% if i == 7 %}{% endif %}")),
        "{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(99) }}",
        looped("{% set x = range(99999) | map('upper') | list %}"),
    ],
)
def test_a_template_that_loops_for_ever_is_stopped(source: str) -> None:
    started = time.thread_time()
    with pytest.raises(RenderFailed, match=r"takes longer than 2 s|on the way"):
        rendered(source)
    assert time.thread_time() - started < 3 * MAX_S


def test_what_is_joined_counts_once() -> None:
    """Fifty texts of a million characters may be made on the way."""

    def joined(times: int) -> str:
        join = "{% set b = n.a ~ '' %}"
        loop = f"{{% for i in range({times}) %}}{join}{{% endfor %}}"
        return "{% set n = namespace(a='a'.ljust(999999)) %}" + loop + "{{ name }}"

    assert "Ann\n" == rendered(joined(48))
    with pytest.raises(RenderFailed, match="on the way"):
        rendered(joined(50))


def test_a_macro_that_calls_itself_for_ever_is_stopped() -> None:
    with pytest.raises(RenderFailed, match="recursion"):
        rendered("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}")


def test_the_clock_starts_anew_with_each_rendering() -> None:
    with pytest.raises(RenderFailed):
        rendered(looped(looped("")))
    assert "Ann\n" == rendered("{% for i in range(9) %}{% endfor %}{{ name }}")


def test_a_prompt_is_stopped_too() -> None:
    template = Template.from_content(changed("prompt.md.j2", "{{ name }}", looped(looped(""))))
    with pytest.raises(RenderFailed, match=r"prompt\.md\.j2:4: takes longer than 2 s"):
        template.prompts(values_of())


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{% set a = 'x' | center(1000000000) %}", "passes a number above 1,000,000"),
        ("{% set a = 'x'.ljust(1000000000) %}", "passes a number above 1,000,000"),
        ("{% set a = 2.5 | round(1000000000, 'ceil') %}", "passes a number above 1,000,000"),
        ("{% set a = '%1000000000d' | format(1) %}", "formats to a width"),
        ("{% set a = '%1000000000d' % 1 %}", "formats to a width"),
        ("{% set a = '%*d' % (1000000000, 1) %}", "formats to a width"),
        ("{% set a = '{:1000000000}'.format(1) %}", "formats to a width"),
        ("{% set a = '{:{}}'.format(1, 1000000000) %}", "formats to a width"),
        (doubled("n.a = n.a ~ n.a"), "on the way"),
        (doubled("n.a = n.a + n.a"), "on the way"),
        (doubled("n.a = n.a | replace('a', 'aa')"), "on the way"),
        (doubled("n.a = n.a.replace('a', 'aa')"), "on the way"),
        (doubled("n.b = n.b + n.b"), "on the way"),
        (doubled("n.c = n.c * n.c"), "makes a number of thousands of digits"),
        ("{% set a = 'aa' %}" + "{% set a %}{{ a }}{{ a }}{% endset %}" * 40, "on the way"),
        (doubled("n.a = n.a.ljust(999999)") + looped("{% set a = n.a ~ '' %}"), "on the way"),
    ],
)
def test_a_template_that_takes_the_memory_is_stopped(source: str, reason: str) -> None:
    with pytest.raises(RenderFailed, match=reason):
        rendered(source)


def test_ordinary_templates_do_not_notice() -> None:
    source = (
        "{{ '%.1f' | format(2.345) }} {{ '{:>5}'.format(7) }} {{ 'a' ~ 5000000 }} {{ 3 * 1.5 }} "
        "{{ '%d rows' % 5000000 }} {{ 'x' | center(5) | trim }} {{ 5000000 | round(1) }} "
        "{% set s %}{{ name | upper }}{% endset %}{{ s }} "
        "{% for i in range(3) if i %}{{ i }}{{ loop.last }}{% else %}none{% endfor %}"
    )
    expected = "2.3 7 a5000000 4.5 5000000 rows x 5000000 ANN 1false2true"
    assert expected == " ".join(rendered(source).lower().replace("ann", "ANN").split())


@pytest.mark.parametrize(
    "source",
    [
        "{{ name.__class__ }}",
        "{{ name['__class__'] }}",
        "{{ name | attr('__class__') }}",
        "{{ [name] | map(attribute='__class__') | list }}",
        "{{ '{0.__class__}'.format(name) }}",
        "{{ '{0.__class__}' | format(name) }}",
        "{{ '{a.__class__}'.format_map({'a': name}) }}",
        "{{ ('{a.__class__}' | attr('format_map'))({'a': name}) }}",
        "{{ self.__init__.__globals__ }}",
        "{{ namespace.__init__.__globals__ }}",
        "{{ range.__class__.__base__.__subclasses__() }}",
        "{{ check_size.__globals__ }}",
        "{{ loop.__class__ }}",
        "{{ ''.join.__self__.__class__ }}",
        "{% import 'os' as os %}",
        "{% include '/etc/passwd' %}",
    ],
)
def test_no_way_leads_out_of_the_sandbox(source: str) -> None:
    try:
        shown = rendered(source)
    except RenderFailed:
        return
    assert "<class" not in shown.replace("\\", "")
    assert "built-in" not in shown
