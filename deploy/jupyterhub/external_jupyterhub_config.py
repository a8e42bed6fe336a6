"""Gofer as an external service behind the Hub's proxy: something else runs it, the Hub knows it.

For Gofer on another machine, in another container, or under systemd, JupyterHub 5 or 6. Put this
beside your jupyterhub_config.py and write at the end of that:
load_subconfig("external_jupyterhub_config.py")

The server's side of it is external.env. The Hub's API has to be reachable from there
(c.JupyterHub.hub_bind_url), and the server from the Hub's proxy.
"""

# ruff: noqa: F821, INP001, TID251 - JupyterHub reads this file, and puts get_config into it

import os
from pathlib import Path

c = get_config()

name = "gofer_nb"
access = f"access:services!service={name}"

# The secret that the Hub and Gofer share. Make one with: openssl rand -hex 32
secrets = Path(os.environ.get("CREDENTIALS_DIRECTORY", "/etc/jupyterhub/secrets"))
token = (secrets / "gofer_service_token").read_text().strip()

c.JupyterHub.services.append(
    {
        "name": name,
        "url": "http://gofer.internal.example.edu:10101",  # where the Hub's proxy reaches it
        "api_token": token,
        "oauth_no_confirm": True,
    }
)

# As for the managed service: who may use Gofer, and what students' pages and servers may do.
c.JupyterHub.load_roles.append({"name": "user", "scopes": ["self", access]})
c.Spawner.oauth_client_allowed_scopes = [access]
c.Spawner.server_token_scopes = ["users:activity!user", "access:servers!server", access]
c.Spawner.environment.update({"GOFER_URL": f"https://hub.example.edu/services/{name}/"})
