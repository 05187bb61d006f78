from importlib import metadata, resources

import typer

app = typer.Typer()


def lines() -> list[str]:
    return resources.files("quotes").joinpath("data/quotes.txt").read_text().splitlines()


@app.command()
def show(number: int = 1) -> None:
    typer.echo(lines()[number - 1])


@app.command()
def version() -> None:
    typer.echo(metadata.version("quotes"))


@app.command()
def serve(port: int = 9000) -> None:
    import falcon
    from cheroot.wsgi import Server

    class Quote:
        def on_get(self, request, response, number):
            response.text = lines()[number - 1]

    api = falcon.App()
    api.add_route("/{number:int}", Quote())
    Server(("0.0.0.0", port), api).start()


def main() -> None:
    app()
