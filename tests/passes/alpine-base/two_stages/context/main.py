import click


@click.command()
def main():
    print("ready")


main()
