# By the id of the destination. Its secrets cannot be read: they stay as they are until the configuration changes.
terraform import alertrouter_destination_email.soc 0192a6d2-7f3c-7d2e-9c5a-0e4b8a9d7c11
