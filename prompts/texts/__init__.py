"""The texts, one TOML file for each language; `prompts.catalogue` reads and checks them."""
