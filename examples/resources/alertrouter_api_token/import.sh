# By the id of the token, as `alertrouter token list` shows it. Its secret cannot be read: it stays as it is.
terraform import alertrouter_api_token.engine 0192a6d2-7f3c-7d2e-9c5a-0e4b8a9d7c13
