from importlib import resources

from fastapi import FastAPI, HTTPException
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    unit: str = "C"


settings = Settings()
app = FastAPI(title="Weather")
stations = dict(
    line.split(",") for line in resources.files("weather").joinpath("stations.csv").read_text().splitlines()
)


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "up"}


@app.get("/stations/{name}")
def station(name: str) -> dict[str, str]:
    if name not in stations:
        raise HTTPException(404, "no such station")
    return {"station": name, "temperature": f"{stations[name]} {settings.unit}"}
