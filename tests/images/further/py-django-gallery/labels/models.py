from django.db import models


class Label(models.Model):
    text = models.CharField(max_length=80)
    image = models.ImageField(upload_to="labels", width_field="width", height_field="height")
    width = models.PositiveIntegerField(null=True, editable=False)
    height = models.PositiveIntegerField(null=True, editable=False)
    created = models.DateTimeField(auto_now_add=True)
