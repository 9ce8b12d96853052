"""The files of a network as a package: where CMake, Arduino, PlatformIO, Zephyr and ESP-IDF look for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from lrtc.backends.c.emit import environment, tidy


@dataclass(frozen=True)
class Layout:
    """A package. source, header, test: folders. made: path → template; example: those that need the self-test."""

    source: str
    header: str
    test: str
    made: Mapping[str, str]
    example: Mapping[str, str] = field(default_factory=dict)


LAYOUTS = {
    "cmake": Layout("src", "include", "test", {"CMakeLists.txt": "CMakeLists.txt"}),
    "arduino": Layout(
        "src", "src", "src", {"library.properties": "library.properties"},
        {"examples/selftest/selftest.ino": "sketch.ino"},
    ),
    "platformio": Layout(
        "src", "src", "src", {"library.json": "library.json"}, {"examples/selftest/main.cpp": "main.cpp"}
    ),
    "zephyr": Layout(
        "src", "include", "src",
        {"zephyr/module.yml": "module.yml", "Kconfig": "Kconfig", "CMakeLists.txt": "CMakeLists.txt"},
        {
            "samples/selftest/CMakeLists.txt": "sample.cmake", "samples/selftest/prj.conf": "prj.conf",
            "samples/selftest/src/main.c": "main.c",
        },
    ),
    "esp-idf": Layout(
        "{name}/src", "{name}/include", "{name}/src",
        {"{name}/CMakeLists.txt": "CMakeLists.txt", "{name}/idf_component.yml": "idf_component.yml"},
        {
            "selftest/CMakeLists.txt": "example.cmake", "selftest/main/CMakeLists.txt": "main.cmake",
            "selftest/main/main.c": "main.c",
        },
    ),
}  # fmt: skip
PACKAGES = ("plain", *LAYOUTS)


@dataclass(frozen=True)
class PackageView:
    """What the templates see. symbol: what the functions begin with; number: of the version, three numbers with dots;
    test, profile: whether there are such files."""

    name: str
    symbol: str
    upper: str
    version: str
    number: str
    test: bool
    profile: bool


def packed(files: Mapping[str, str], name: str, version: str, package: str, prefix: str = "") -> dict[str, str]:
    """Return the network's files in the folders of a package, with those that it adds. prefix: of the symbols."""
    if package == "plain":
        return dict(files)
    layout, view = LAYOUTS[package], _view(files, name, version, prefix)
    folders = {f"{name}.h": layout.header, f"{name}_profile.h": layout.header, f"{name}_test.c": layout.test}
    found = {f"{folders.get(path, layout.source)}/{path}": text for path, text in files.items()}
    made = {**layout.made, **(layout.example if view.test else {})}
    loaded = environment(())
    for path, template in made.items():
        found[path] = tidy(loaded.get_template(f"package/{package}/{template}.j2").render(p=view))
    return {path.format(name=name): text for path, text in found.items()}


def _view(files: Mapping[str, str], name: str, version: str, prefix: str) -> PackageView:
    numbers = [*re.findall(r"\d+", version.partition("+")[0])[:3], "0", "0", "0"][:3]
    return PackageView(
        name, prefix + name, name.upper(), version, ".".join(numbers), f"{name}_test.c" in files,
        f"{name}_profile.c" in files,
    )  # fmt: skip
