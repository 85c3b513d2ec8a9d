"""Table Trail: every change of a DynamoDB table becomes one exact record in an audit table."""
