"""A migration's way to add a column to a table that triggers of other tables read.

SQLite gives a table a column that may not be empty by making the table anew and renaming it, which it refuses
while a trigger elsewhere names the table. Adding the column with its default as it is needs no new table.
"""

from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


class AddColumn(migrations.AddField):
    """``AddField`` for a column that is never empty and has a constant default, whole or a text."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor != "sqlite":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        field = model._meta.get_field(self.name)
        parameters = field.db_parameters(schema_editor.connection)
        quote = schema_editor.quote_name
        checked = f" CHECK ({parameters['check']})" if parameters["check"] else ""
        schema_editor.execute(
            f"ALTER TABLE {quote(model._meta.db_table)} ADD COLUMN {quote(field.column)} "
            f"{parameters['type']} NOT NULL DEFAULT {schema_editor.quote_value(field.default)}{checked}"
        )
