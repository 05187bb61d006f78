STATICFILES_DIRS = [BASE_DIR / "node_modules" / "bootstrap"]
