"""Apps, installations and tokens as GitHub's API shows them."""

import secrets
from typing import Any

from tests.fakes.github.apps import App, Token
from tests.fakes.github.clock import stamp
from tests.fakes.github.installations import Installation
from tests.fakes.github.views.accounts import account
from tests.fakes.github.views.repositories import repository
from tests.fakes.github.world import World


def app(shown: App, world: World) -> dict[str, Any]:
    page = f"{world.url}/apps/{shown.slug}"
    return {
        "id": shown.id,
        "slug": shown.slug,
        "node_id": f"A_{shown.id}",
        "client_id": shown.client_id,
        "owner": account(world.account(shown.owner), world.url),
        "name": shown.name,
        "description": None,
        "external_url": page,
        "html_url": page,
        "created_at": shown.created_at,
        "updated_at": shown.created_at,
        "permissions": shown.permissions,
        "events": shown.events,
    }


def app_with_credentials(shown: App, world: World) -> dict[str, Any]:
    """What a manifest's code is exchanged for."""
    return {
        **app(shown, world),
        "client_secret": secrets.token_hex(20),
        "webhook_secret": shown.webhook.secret if shown.webhook else None,
        "pem": shown.private_key,
    }


def installation(shown: Installation, world: World) -> dict[str, Any]:
    owner = world.account(shown.account)
    return {
        "id": shown.id,
        "account": account(owner, world.url),
        "repository_selection": "selected",
        "access_tokens_url": f"{world.url}/app/installations/{shown.id}/access_tokens",
        "repositories_url": f"{world.url}/installation/repositories",
        "html_url": f"{world.url}/settings/installations/{shown.id}",
        "app_id": shown.app.id,
        "app_slug": shown.app.slug,
        "target_id": owner.id,
        "target_type": owner.type,
        "permissions": shown.app.permissions,
        "events": shown.app.events,
        "created_at": shown.created_at,
        "updated_at": shown.created_at,
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": account(owner, world.url) if shown.is_suspended else None,
        "suspended_at": shown.suspended_at,
    }


def token(shown: Token, world: World) -> dict[str, Any]:
    return {
        "token": shown.value,
        "expires_at": stamp(shown.expires_at),
        "permissions": shown.permissions,
        "repository_selection": "selected",
        "repositories": [repository(world.repositories[name]) for name in sorted(shown.repositories)],
    }
