"""The front door: command line, settings, the one place that builds and starts everything."""
