"""The command line `trail`: reads the audit table, and is left out of the Lambda zip."""
