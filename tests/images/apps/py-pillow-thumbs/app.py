import io
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, features
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

HERE = Path(__file__).parent
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"


async def formats(request):
    return JSONResponse({name: features.check(name) for name in ("jpg", "zlib", "freetype2")})


async def badge(request):
    text = request.path_params["text"]
    image = Image.new("RGB", (200, 40), "white")
    ImageDraw.Draw(image).text((5, 5), text, fill="black", font=ImageFont.truetype(FONT, 24))
    out = io.BytesIO()
    image.save(out, "JPEG")
    (HERE / "thumbs" / f"{text}.jpg").write_bytes(out.getvalue())
    dark = sum(1 for value in image.convert("L").getdata() if value < 128)
    return JSONResponse({"text": text, "drawn": dark > 50, "saved": len(out.getvalue()) > 500})


async def upload(request):
    body = await request.body()
    (HERE / "uploads" / "last").write_bytes(body)
    return Response(str(len(body)))


app = Starlette(routes=[Route("/formats", formats), Route("/badge/{text}", badge), Route("/upload", upload, methods=["POST"])])
