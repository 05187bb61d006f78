from glossary import create_app

app = create_app()
