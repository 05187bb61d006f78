import psycopg2
from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from .config import settings
from .db import get_db
from .models import Item
from .schemas import ItemIn, ItemOut

app = FastAPI(title=settings.app_name, version="1.4.0")


@app.get("/health")
def health(db: Session = Depends(get_db)):
    db.execute(text("SELECT 1"))
    return {"status": "ok", "psycopg2": psycopg2.__version__.split()[0]}


@app.get("/items", response_model=list[ItemOut])
def list_items(db: Session = Depends(get_db)):
    return db.scalars(select(Item).order_by(Item.sku)).all()


@app.post("/items", response_model=ItemOut, status_code=201)
def create_item(item: ItemIn, db: Session = Depends(get_db)):
    row = Item(**item.model_dump())
    db.add(row)
    try:
        db.commit()
    except IntegrityError:
        raise HTTPException(409, "sku exists")
    return row


@app.get("/items/{sku}", response_model=ItemOut)
def get_item(sku: str, db: Session = Depends(get_db)):
    row = db.scalar(select(Item).where(Item.sku == sku))
    if row is None:
        raise HTTPException(404, "no such item")
    return row
