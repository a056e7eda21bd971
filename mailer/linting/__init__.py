"""The rules behind `mailer.lint`, grouped by what they read: header, structure, HTML, calendar."""
