from django.conf import settings
from django.contrib import admin
from django.urls import path, re_path
from django.views.static import serve

from labels import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", views.index, name="index"),
    path("<str:language>/hello", views.hello),
    path("api/labels", views.create),
    re_path(r"^media/(?P<path>.*)$", serve, {"document_root": settings.MEDIA_ROOT}),
]
