"""vLLM's command line, environment and routes: facts, and checks of `args`.

`arguments` checks a list of arguments, which `command_line` reads as vLLM does; `argument_values` checks one value,
`history` says what became of a flag, and `argument_rules` declares the rules. `releases`, `flags`, `variables` and
`routes` are the facts.
"""
