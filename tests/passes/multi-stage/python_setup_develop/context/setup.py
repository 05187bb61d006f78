from setuptools import setup

setup(name="shorten", packages=["shorten"])
