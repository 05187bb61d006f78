from setuptools import setup

setup(
    name="shorten",
    packages=["shorten"],
    install_requires=["flask==3.1.0", "psycopg2==2.9.10"],
    entry_points={"console_scripts": ["shorten = shorten.app:main"]},
)
