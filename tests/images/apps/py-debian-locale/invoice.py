import datetime
import locale
import sys
import time

from reportlab.pdfgen import canvas

locale.setlocale(locale.LC_ALL, "")
total = locale.format_string("%.2f", 12345.5, grouping=True)
day = datetime.date(2024, 3, 1).strftime("%A, %d. %B")
noon = time.strftime("%H:%M %Z", time.localtime(1719828000))

target = sys.argv[1] if len(sys.argv) > 1 else "/tmp/invoice.pdf"
page = canvas.Canvas(target, pageCompression=0)
page.drawString(72, 720, f"{day}: {total}")
page.save()

print(total)
print(day)
print(noon)
print(open(target, "rb").read(5).decode())
