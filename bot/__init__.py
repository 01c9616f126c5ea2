"""The bot: a GitHub App's webhook server that runs automations on comments and events, and never leaves a check pending."""
