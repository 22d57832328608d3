"""vLLM's command line, environment and routes: facts, and checks of `args`.

`arguments` checks a list of arguments, which `command_line` parses as vLLM does. `argument_values` checks one value,
`history` reports flags that a release does not have, and `argument_rules` declares the rules. `releases`, `flags`,
`variables` and `routes` are the facts.
"""
