"""Gofer as a managed service: the Hub starts its server, tells it all it needs, and restarts it.

For a Hub and Gofer on one machine, JupyterHub 5 or 6. Put this beside your jupyterhub_config.py and
write at the end of that: load_subconfig("managed_jupyterhub_config.py")

The grader is not the Hub's: run it by itself, as the same user and on the same VOLUME_PATH.
"""

# ruff: noqa: F821, INP001 - JupyterHub reads this file, and puts get_config into it

c = get_config()

name = "gofer_nb"
access = f"access:services!service={name}"

c.JupyterHub.services.append(
    {
        "name": name,
        "url": "http://127.0.0.1:10101",  # Gofer listens there
        "command": ["/opt/gofer/.venv/bin/python", "-m", "gofer_ingest.server"],
        "cwd": "/opt/gofer",
        # Where the Hub runs as root, a key "user" names whom the server and the grader run as.
        "oauth_no_confirm": True,  # students are not asked whether Gofer may know who they are
        "environment": {  # it gets little of the Hub's own, so all its settings stand here
            "VOLUME_PATH": "/srv/gofer",
            "COURSE_CONFIG_PATH": "/etc/gofer/course.toml",
            "GOFER_STAFF_GROUPS": "course-staff",
        },
    }
)

c.JupyterHub.load_roles.append(
    # Everybody may use Gofer. This replaces the scopes of the role, so `self` is repeated. To let
    # in a class alone, give a role of its own to a group: {"name": …, "groups": […], "scopes": …}.
    {"name": "user", "scopes": ["self", access]}
)

# The Submit button: pages of a student's server may use Gofer, in the name of who opened them.
c.Spawner.oauth_client_allowed_scopes = [access]

# Programs in a student's server may too, with $JUPYTERHUB_API_TOKEN; buttons that send from the
# server need this. It replaces the usual scopes, so the first two are repeated.
c.Spawner.server_token_scopes = ["users:activity!user", "access:servers!server", access]

# Where notebooks go: as students' browsers see it.
c.Spawner.environment.update({"GOFER_URL": f"https://hub.example.edu/services/{name}/"})
