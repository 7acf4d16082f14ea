"""The rendered world that the embedded models know: shapes, scenes, phrases, questions."""
