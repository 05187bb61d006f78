from django.core.management.base import BaseCommand

from notes.models import Note


class Command(BaseCommand):
    help = "Writes the first notes into an empty database."

    def handle(self, *args, **options):
        if not Note.objects.exists():
            Note.objects.bulk_create([Note(text="buy milk"), Note(text="call home")])
