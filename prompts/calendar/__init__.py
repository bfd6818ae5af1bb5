"""When it is what: festivals, holidays, make-up workdays (调休), seasons, opening hours. No clock, no file, no network.

Read in this order: `days` (the official list of a year), `festivals` (when which greeting is said), `hours` (when
somebody is there), `notice` (what the operator changes), `calendar` (all of it, asked for a moment), `year` (a year as
an operator reads it, with warnings).
"""
