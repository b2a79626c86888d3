"""Indexes: schema, migrations, and the compiling of ``Query`` into SQL."""
