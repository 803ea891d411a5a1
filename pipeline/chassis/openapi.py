"""The API page at `/api`, its assets served by us: it works without internet."""

from importlib.resources import files

from litestar import Router
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import Tag
from litestar.static_files import create_static_files_router  # pyright: ignore[reportUnknownVariableType]

_ASSETS = "/api/assets"


def openapi_config(title: str, description: str, version: str) -> OpenAPIConfig:
    """Swagger UI at `/api`, the schema at `/api/openapi.json`."""
    swagger = SwaggerRenderPlugin(
        path="/",
        js_url=f"{_ASSETS}/swagger-ui-bundle.js",
        css_url=f"{_ASSETS}/swagger-ui.css",
        standalone_preset_js_url=f"{_ASSETS}/swagger-ui-standalone-preset.js",
        # The plug-in's own icon is loaded from elsewhere.
        favicon='<link rel="icon" href="data:,">',
    )
    return OpenAPIConfig(
        title=title,
        description=description,
        version=version,
        path="/api",
        render_plugins=[swagger, JsonRenderPlugin(path="/openapi.json")],
        tags=[Tag("operation", "Probes and metrics")],
    )


def openapi_assets() -> Router:
    """Swagger UI's own distribution, as the package `swagger-ui-py` carries it."""
    static = files("swagger_ui") / "static"
    return create_static_files_router(path=_ASSETS, directories=[str(static)], include_in_schema=False)
