from pydantic import BaseModel, ConfigDict, Field


class ItemIn(BaseModel):
    sku: str = Field(max_length=32)
    name: str
    quantity: int = Field(0, ge=0)


class ItemOut(ItemIn):
    model_config = ConfigDict(from_attributes=True)
    id: int
