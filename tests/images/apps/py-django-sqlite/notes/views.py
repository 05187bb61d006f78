from django.http import HttpResponse
from django.shortcuts import render

from .models import Note


def index(request):
    return render(request, "notes/index.html", {"notes": Note.objects.order_by("id")})


def health(request):
    return HttpResponse("ok")
