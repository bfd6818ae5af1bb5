"""The words: what callers and agents hear, written once for each language and made into sound ahead of time.

Read in this order: `catalogue` (the texts, checked), `plan` (which sounds a site needs), `build` (makes what
is missing or has changed), `library` (hands a sound to a call). A `voice` speaks, `render` finishes what it
spoke, `music` makes what is not spoken.
"""
