"""The answer as tables, charts, pictures and a page."""
