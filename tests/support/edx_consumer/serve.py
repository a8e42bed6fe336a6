"""The real LTI consumer of Open edX as a process of its own, with what it needs of a platform.

Run by the Python of its own environment (`make edx-environment`); neither Gofer nor its tests
import anything of it, nor this file. Django, the block, the signatures, the tokens, the line items
and the scores are edX's own. What stands in for the platform is a store of blocks in memory, two
tables of students' ids, and a gradebook that keeps what the blocks publish.

Standard input is one JSON object: `students`, `key`, `secret`, `tool_public_pem`, `folder`. The one
line of output is another: where everything is. It serves until its input ends.
"""

import io
import json
import sys
import threading
import uuid
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote_to_bytes

import django
from django.conf import settings

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from faulty_http import FaultyServer, Request, Response

COURSE = "course-v1:GoferX+Data8+2026"
OUTCOME_BLOCK = "0123456789abcdef0123456789abcdef"
CLOSED_BLOCK = "00000000000000000000000000000000"
SERVICE_BLOCK = "fedcba9876543210fedcba9876543210"
LABEL = "Lab 1: Tables & charts"
WEIGHT = 50


def set_up_django(folder: str) -> None:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": f"{folder}/edx.sqlite",
                "ATOMIC_REQUESTS": True,  # as edx-platform has it
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "config_models",
            "waffle",
            "lti_consumer",
        ],
        LOGGING_CONFIG=None,
        ROOT_URLCONF="edx_urls",
        SECRET_KEY=uuid.uuid4().hex,
        USAGE_ID_PATTERN=r"(?P<usage_id>[^/]+)",
        USE_TZ=True,
    )
    django.setup()


class Platform:
    """What edx-platform is for the block: a store of blocks, users' ids and a gradebook."""

    def __init__(self, told: dict) -> None:
        self.told = told
        self.by_anonymous_id = {
            student: SimpleNamespace(id=number, name=student)
            for number, student in enumerate(told["students"], 1)
        }
        self.by_external_id = {
            external_id(student): user for student, user in self.by_anonymous_id.items()
        }
        self.history: dict[str, list[float]] = {}
        self.blocks: dict[str, object] = {}
        self.base = ""

    def gradebook(self) -> dict[str, list[float]]:
        return self.history

    def keep(self, user_id: int, fraction: float) -> None:
        student = next(user.name for user in self.by_anonymous_id.values() if user.id == user_id)
        self.history.setdefault(student, []).append(fraction)

    def user_of_external_id(self, named: str) -> object:
        from lti_consumer.exceptions import LtiError

        try:
            return self.by_external_id[named]
        except KeyError:
            raise LtiError("Invalid User") from None

    def stand_in(self) -> None:
        """Put this in place of edx-platform, at the seams that the consumer has for it."""
        from lti_consumer import utils
        from lti_consumer.plugin import compat

        off = SimpleNamespace(is_enabled=lambda course_key: False)
        for flag in (
            "get_external_config_waffle_flag",
            "get_external_user_id_1p1_launches_waffle_flag",
            "get_database_config_waffle_flag",
            "get_external_multiple_launch_urls_waffle_flag",
        ):
            setattr(utils, flag, lambda: off)
        passport = f"gofer:{self.told['key']}:{self.told['secret']}"
        compat.get_course_by_id = lambda key: SimpleNamespace(lti_passports=[passport])
        compat.load_enough_xblock = lambda location: self.blocks[str(location)]
        compat.load_block_as_user = lambda location: self.blocks[str(location)]
        compat.get_user_from_external_user_id = self.user_of_external_id


def external_id(student: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, student))


def make_block(platform: Platform, block_id: str, **fields: object) -> object:
    from lti_consumer.lti_xblock import LtiConsumerXBlock
    from opaque_keys.edx.keys import CourseKey
    from xblock.fields import ScopeIds
    from xblock.runtime import DictKeyValueStore, KvsFieldData, Runtime

    class BlockRuntime(Runtime):
        def handler_url(
            self,
            block,
            handler_name,
            suffix="",
            query="",
            thirdparty=False,  # noqa: FBT002 - as edX calls it
        ):
            kind = "handler_noauth" if thirdparty else "handler"
            usage = block.scope_ids.usage_id
            return f"{platform.base}/courses/{COURSE}/xblock/{usage}/{kind}/{handler_name}"

        def resource_url(self, resource):
            return resource

        def local_resource_url(self, block, uri):
            return uri

        def publish(self, block, event_type, event_data):
            fraction = event_data["value"] / event_data["max_value"]
            platform.keep(event_data["user_id"], fraction)

    usage = CourseKey.from_string(COURSE).make_usage_key("lti_consumer", block_id)
    values = KvsFieldData(DictKeyValueStore())
    services = {
        "field-data": values,
        "i18n": SimpleNamespace(ugettext=str, gettext=str),
        "rebind_user": SimpleNamespace(rebind_noauth_module_to_user=lambda block, user: None),
        "user": SimpleNamespace(get_user_by_anonymous_id=platform.by_anonymous_id.get),
    }
    block = LtiConsumerXBlock(
        BlockRuntime(id_reader=None, id_generator=None, services=services),
        values,
        ScopeIds("student", "lti_consumer", usage, usage),
    )
    usual = {
        "has_score": True,
        "weight": WEIGHT,
        "lti_id": "gofer",
        # What edx-platform mixes into every block.
        "start": None,
        "due": None,
        "graceperiod": None,
    }
    for name, value in {**usual, **fields}.items():
        setattr(block, name, value)
    platform.blocks[str(usage)] = block
    return block


def serve_urls(platform: Platform) -> None:
    """Make the module of addresses, as edx-platform has them."""
    from django.http import Http404
    from django.urls import include, path, re_path
    from django.views.decorators.csrf import csrf_exempt
    from lti_consumer.plugin import urls
    from xblock.django.request import django_to_webob_request, webob_to_django_response

    @csrf_exempt
    def handler_noauth(request, usage_id, handler):
        try:
            block = platform.blocks[usage_id]
        except KeyError:
            raise Http404 from None
        answer = getattr(block, handler)(django_to_webob_request(request), "")
        return webob_to_django_response(answer)

    module = type(sys)("edx_urls")
    module.urlpatterns = [
        path("api/", include((urls.urlpatterns, "lti_consumer"), namespace="lti_consumer")),
        re_path(
            rf"^courses/{COURSE.replace('+', '[+]')}/xblock/(?P<usage_id>[^/]+)"
            r"/handler_noauth/(?P<handler>outcome_service_handler)$",
            handler_noauth,
        ),
    ]
    sys.modules["edx_urls"] = module


def answer_by(application: object, request: Request, port: int) -> Response:
    """Answer a request by a WSGI application."""
    path, _, query = request.path.partition("?")
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(request.body)),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        if name not in {"content-type", "content-length"}:
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
    began = {}

    def start_response(status, headers, exc_info=None):
        began["status"] = int(status.split()[0])
        began["headers"] = {name: value for name, value in headers if name != "Content-Length"}

    answer = application(environ, start_response)
    try:
        body = b"".join(answer)
    finally:
        answer.close()
    return Response(began["status"], body, began["headers"])


def main() -> None:
    told = json.loads(sys.stdin.readline())
    set_up_django(told["folder"])
    platform = Platform(told)
    platform.stand_in()
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application
    from lti_consumer.models import LtiConfiguration

    call_command("migrate", verbosity=0)
    serve_urls(platform)
    application = get_wsgi_application()
    one_writer = threading.Lock()  # SQLite has one

    def answer(request: Request) -> Response:
        with one_writer:
            return answer_by(application, request, server.port)

    server = FaultyServer(answer, platform.gradebook)
    settings.LMS_ROOT_URL = settings.LTI_BASE = platform.base = server.url
    make_block(platform, OUTCOME_BLOCK, lti_version="lti_1p1")
    make_block(
        platform,
        CLOSED_BLOCK,
        lti_version="lti_1p1",
        due=datetime(2020, 1, 1, tzinfo=UTC),
        accept_grades_past_due=False,
    )
    block = make_block(
        platform,
        SERVICE_BLOCK,
        lti_version="lti_1p3",
        display_name=LABEL,
        lti_advantage_ags_mode=told.get("ags_mode", "declarative"),
        lti_1p3_tool_key_mode="public_key",
        lti_1p3_tool_public_key=told["tool_public_pem"],
    )
    block.get_lti_consumer()  # as the first launch does: it makes the line item
    config = LtiConfiguration.objects.get(location=block.scope_ids.usage_id)
    item = config.ltiagslineitem_set.first()
    services = f"{server.url}/api/lti_consumer/v1/lti/{config.id}/lti-ags"
    places = {
        "url": server.url,
        "course": COURSE,
        "outcome_block": OUTCOME_BLOCK,
        "closed_block": CLOSED_BLOCK,
        "service_url": platform.blocks[next(iter(platform.blocks))].outcome_service_url,
        "client_id": config.lti_1p3_client_id,
        "token_url": f"{server.url}/api/lti_consumer/v1/token/{config.passport_id}",
        "line_items_url": services,
        "line_item_url": f"{services}/{item.id}" if item else None,
        "usage": str(block.scope_ids.usage_id),
        "label": LABEL,
        "external_ids": {student: external_id(student) for student in told["students"]},
    }
    sys.stdout.write(json.dumps(places) + "\n")
    sys.stdout.flush()
    threading.Thread(target=server.serve, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
