"""Gofer on a host of its own, with the Hub only to sign in at: browsers are sent there and back.

For Gofer behind a front of its own (https://gofer.example.edu here), JupyterHub 5 or 6. Put this
beside your jupyterhub_config.py and write at the end of that:
load_subconfig("redirect_jupyterhub_config.py")

The server's side of it is redirect.env.
"""

# ruff: noqa: F821, INP001, TID251 - JupyterHub reads this file, and puts get_config into it

import os
from pathlib import Path

c = get_config()

name = "gofer_nb"
access = f"access:services!service={name}"
gofer = f"https://gofer.example.edu/services/{name}/"

# The secret that the Hub and Gofer share. Make one with: openssl rand -hex 32
secrets = Path(os.environ.get("CREDENTIALS_DIRECTORY", "/etc/jupyterhub/secrets"))
token = (secrets / "gofer_service_token").read_text().strip()

c.JupyterHub.services.append(
    {
        "name": name,
        # No `url`: nothing goes through the Hub's proxy, and the Hub's menu could not link to it.
        "display": False,
        "api_token": token,
        "oauth_redirect_uri": f"{gofer}oauth_callback",
        "oauth_no_confirm": True,
    }
)

# As for the managed service: who may use Gofer, and what students' pages and servers may do.
c.JupyterHub.load_roles.append({"name": "user", "scopes": ["self", access]})
c.Spawner.oauth_client_allowed_scopes = [access]
c.Spawner.server_token_scopes = ["users:activity!user", "access:servers!server", access]
c.Spawner.environment.update({"GOFER_URL": gofer})
