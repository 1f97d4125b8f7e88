"""From histories to statements: tables in, tables out."""
