import datetime
import time
import zoneinfo

print(open("/app/built-in").read().strip())
print(time.strftime("%H:%M %Z", time.localtime(0)))
noon = datetime.datetime(2026, 3, 29, 1, 30, tzinfo=datetime.timezone.utc)
print(noon.astimezone(zoneinfo.ZoneInfo("Europe/Berlin")).strftime("%H:%M %Z"))
evening = datetime.datetime(2026, 3, 29, 14, 0, tzinfo=datetime.timezone.utc)
print(evening.astimezone(zoneinfo.ZoneInfo("Asia/Kathmandu")).strftime("%H:%M %z"))
