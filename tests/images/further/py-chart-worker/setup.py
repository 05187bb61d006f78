from setuptools import find_packages, setup

setup(
    name="charts",
    version="0.9.1",
    package_dir={"": "src"},
    packages=find_packages("src"),
    entry_points={"console_scripts": ["charts-once = charts.worker:once"]},
)
