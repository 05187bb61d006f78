from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    app_name: str = "Inventory"
    database_url: str = "postgresql://inventory:inventory@db:5432/inventory"


settings = Settings()
