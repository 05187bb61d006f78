import io
import json

from django.core.files.base import ContentFile
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.utils.text import slugify
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from PIL import Image, ImageDraw, ImageFont

from .models import Label

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"


def index(request):
    return render(request, "labels/index.html", {"labels": Label.objects.order_by("id")})


def hello(request, language):
    with translation.override(language):
        return HttpResponse(f"{gettext('Welcome to the gallery')} ({timezone.get_default_timezone_name()})")


@csrf_exempt
@require_POST
def create(request):
    text = json.loads(request.body)["text"][:80]
    font = ImageFont.truetype(FONT, 24)
    _, _, width, height = font.getbbox(text)
    image = Image.new("RGB", (int(width) + 20, int(height) + 20), "white")
    ImageDraw.Draw(image).text((10, 10), text, font=font, fill="teal")
    data = io.BytesIO()
    image.save(data, "JPEG")
    label = Label(text=text)
    label.image.save(f"{slugify(text)}.jpg", ContentFile(data.getvalue()))
    return JsonResponse({"id": label.id, "url": label.image.url, "height": label.image.height}, status=201)
