"""Packages and forms of C: each is built with what its users build it with, or a stand-in of it, and run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import threading
from functools import cache
from pathlib import Path

import kconfiglib
import numpy as np
import pytest
from c_programs import to_c
from graphs import random_network

from lrtc import interp
from lrtc.backends.c import emit
from lrtc.backends.c.package import PACKAGES
from lrtc.check.toolchain import STRICT, write_files
from lrtc.errors import LrtcError
from lrtc.passes import run_pipeline

GRAPH = random_network(0, channels=(5,), size=(3, 4), layers=(1, 1), head="affine", classes=(3,))
CMAKE_AS_A_USER = """
cmake_minimum_required(VERSION 3.13)
project(user LANGUAGES C CXX)
find_package(net0 1 QUIET)
find_package(net0 0.1 REQUIRED)
add_executable(user user.cpp)
target_link_libraries(user net0::net0)
"""
USER = "#include <net0.h>\nint main() { static unsigned char x[NET0_INPUT_BYTES]; return net0_classify(x) < 0; }\n"
ARDUINO = """
#include <cstdio>
struct Port {
  void begin(long) {}
  operator bool() const { return true; }
  void print(const char *text) { std::fputs(text, stdout); }
  void println(const char *text) { std::puts(text); }
};
static Port Serial;
"""
ZEPHYR = """
cmake_minimum_required(VERSION 3.13)
project(stand_in LANGUAGES C)
set(CONFIG_NET0 y)
set(CONFIG_NET0_SELFTEST y)
macro(zephyr_library_named name)
  set(ZEPHYR_CURRENT_LIBRARY ${name})
  add_library(${name} STATIC)
endmacro()
function(zephyr_library_sources)
  foreach(source ${ARGN})
    target_sources(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/${source})
  endforeach()
endfunction()
function(zephyr_library_sources_ifdef flag)
  if(${flag})
    zephyr_library_sources(${ARGN})
  endif()
endfunction()
function(zephyr_include_directories)
  foreach(folder ${ARGN})
    include_directories(${CMAKE_CURRENT_SOURCE_DIR}/${folder})
    set_property(GLOBAL APPEND PROPERTY folders ${CMAKE_CURRENT_SOURCE_DIR}/${folder})
    target_include_directories(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/${folder})
  endforeach()
endfunction()
add_subdirectory(package)
get_property(folders GLOBAL PROPERTY folders)
add_executable(app package/samples/selftest/src/main.c)
target_include_directories(app PRIVATE ${folders} stand_in)
target_link_libraries(app net0)
"""
PRINTK = "#include <stdio.h>\n#define printk printf\n"
ESP_IDF = """
cmake_minimum_required(VERSION 3.16)
project(stand_in LANGUAGES C)
macro(idf_component_register)
  cmake_parse_arguments(C "" "" "SRCS;INCLUDE_DIRS;REQUIRES" ${ARGN})
  get_filename_component(COMPONENT_LIB ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  add_library(${COMPONENT_LIB} STATIC ${C_SRCS})
  target_include_directories(${COMPONENT_LIB} PUBLIC ${C_INCLUDE_DIRS})
  target_link_libraries(${COMPONENT_LIB} ${C_REQUIRES})
endmacro()
add_subdirectory(package/net0)
add_subdirectory(package/selftest/main)
add_executable(app start.c)
target_link_libraries(app main)
"""
START = "void app_main(void);\nint main(void)\n{\n    app_main();\n    return 0;\n}\n"


@cache
def files(**options: object) -> dict[str, str]:
    """Return a small network with a self-test, as the options want it."""
    network = to_c(GRAPH, images=3)
    return dict(emit(run_pipeline(GRAPH, "c"), "net0", {"vectors": (network.x, network.want), **options}).files)


def run(*argv: object, cwd: Path) -> str:
    done = subprocess.run([str(word) for word in argv], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tool(*names: str) -> str:
    """Return the path of a program, from this Python's environment or from PATH."""
    places = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return next(path for name in names if (path := shutil.which(name, path=places)))


def cmake(folder: Path, build: str = "build", *options: str) -> Path:
    run(tool("cmake"), "-S", folder, "-B", folder / build, *options, cwd=folder)
    run(tool("cmake"), "--build", folder / build, cwd=folder)
    return folder / build


def compiled(folder: Path, *sources: object, include: str) -> str:
    """Return what a program of C and C++ sources prints."""
    objects = []
    for k, source in enumerate(map(Path, sources)):
        cxx = source.suffix != ".c"
        compiler = tool("c++", "g++", "clang++") if cxx else tool("cc", "gcc", "clang")
        flags = ["-x", "c++", "-Wall", "-Wextra", "-Werror"] if cxx else ["-std=c99", *STRICT]
        run(compiler, *flags, "-I", include, "-I", ".", "-c", source, "-o", f"{k}.o", cwd=folder)
        objects.append(f"{k}.o")
    run(tool("c++", "g++", "clang++"), *objects, "-o", "program", cwd=folder)
    return run(folder / "program", cwd=folder)


def test_cmake_builds_tests_installs_and_is_found(tmp_path: Path):
    write_files(files(package="cmake"), tmp_path)
    build = cmake(tmp_path, "build", f"-DCMAKE_INSTALL_PREFIX={tmp_path / 'there'}")
    assert "100% tests passed" in run(tool("ctest"), "--test-dir", build, cwd=tmp_path)
    run(tool("cmake"), "--install", build, cwd=tmp_path)
    user = tmp_path / "user"
    write_files({"CMakeLists.txt": CMAKE_AS_A_USER, "user.cpp": USER}, user)
    run(cmake(user, "build", f"-DCMAKE_PREFIX_PATH={tmp_path / 'there'}") / "user", cwd=user)


def test_a_wrong_vector_fails_in_ctest(tmp_path: Path):
    network = to_c(GRAPH, images=3)
    wrong = {"vectors": (network.x, network.want + 1), "package": "cmake"}
    write_files(dict(emit(run_pipeline(GRAPH, "c"), "net0", wrong).files), tmp_path)
    build = cmake(tmp_path)
    done = subprocess.run([tool("ctest"), "--test-dir", str(build)], capture_output=True, text=True, check=False)
    assert "net0_selftest (Failed)" in done.stdout


def test_arduino_has_properties_and_a_sketch_that_passes(tmp_path: Path):
    write_files(files(package="arduino"), tmp_path)
    properties = dict(line.split("=", 1) for line in (tmp_path / "library.properties").read_text().splitlines())
    assert set(properties) >= {
        "name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures",
    }  # fmt: skip
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", properties["name"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", properties["version"])
    sketch = (tmp_path / "examples" / "selftest" / "selftest.ino").read_text()
    end = "\nint main() { setup(); loop(); }\n"
    (tmp_path / "sketch.cpp").write_text(ARDUINO + sketch + end)
    said = compiled(tmp_path, "src/net0.c", "src/net0_test.c", "sketch.cpp", include="src")
    assert said == "net0: PASS\n"


ARDUINO_AVR = Path("/usr/share/arduino/hardware/arduino/avr")  # where apt's arduino-core-avr puts Arduino's own core
ARDUINO_FLAGS = (
    "-mmcu=atmega2560", "-DF_CPU=16000000L", "-DARDUINO=10807", "-DARDUINO_AVR_MEGA2560", "-DARDUINO_ARCH_AVR", "-Os",
    "-w", "-ffunction-sections", "-fdata-sections",
)  # fmt: skip
ARDUINO_STANDARD = {
    ".c": ("avr-gcc", "-std=gnu11"), ".S": ("avr-gcc", "-x", "assembler-with-cpp"),
    ".cpp": ("avr-g++", "-std=gnu++11", "-fpermissive", "-fno-exceptions", "-fno-threadsafe-statics",
             "-DDECIMAL_DIG=__DECIMAL_DIG__"),  # float.h of apt's GCC 5.4 has it for C only
}  # fmt: skip


def test_arduino_builds_on_arduinos_own_core_and_passes(tmp_path: Path):
    """A Mega 2560 in simavr, sources and flags those of Arduino's platform, where apt's packages are installed."""
    if not ARDUINO_AVR.is_dir() or not shutil.which("avr-g++") or not shutil.which("simavr"):
        return
    write_files(files(package="arduino"), tmp_path)
    sketch = (tmp_path / "examples" / "selftest" / "selftest.ino").read_text()
    (tmp_path / "sketch.cpp").write_text("#include <Arduino.h>\n" + sketch)
    core = ARDUINO_AVR / "cores" / "arduino"
    includes = [f"-I{folder}" for folder in (core, ARDUINO_AVR / "variants" / "mega", "src")]
    sources = [*sorted(core.glob("*.[cS]")), *sorted(core.glob("*.cpp")), *(tmp_path / "src").glob("*.c")]
    objects = []
    for k, source in enumerate([*sources, tmp_path / "sketch.cpp"]):
        compiler, *standard = ARDUINO_STANDARD[source.suffix]
        run(tool(compiler), *standard, *ARDUINO_FLAGS, *includes, "-c", source, "-o", f"{k}.o", cwd=tmp_path)
        objects.append(f"{k}.o")
    run(tool("avr-gcc"), "-mmcu=atmega2560", "-Wl,--gc-sections", *objects, "-o", "sketch.elf", cwd=tmp_path)
    argv = [tool("simavr"), "-m", "atmega2560", "-f", "16000000", "sketch.elf"]
    with subprocess.Popen(argv, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as board:
        watchdog = threading.Timer(60, board.kill)
        watchdog.start()
        said = next((line for line in board.stdout if b"net0: " in line), b"")
        watchdog.cancel()
        board.kill()
    assert b"net0: PASS" in said


def test_platformio_packs_it(tmp_path: Path):
    """PlatformIO's own check of a library's manifest, where it is installed; it needs no network for that."""
    pio = shutil.which("pio")
    if pio is None:
        return
    write_files(files(package="platformio"), tmp_path)
    surroundings = {**os.environ, "PLATFORMIO_CORE_DIR": str(tmp_path / "core")}
    argv = [pio, "pkg", "pack", "-o", str(tmp_path / "net0.tar.gz")]
    done = subprocess.run(argv, cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with tarfile.open(tmp_path / "net0.tar.gz") as packed:
        assert {"library.json", "src/net0.c", "src/net0.h", "examples/selftest/main.cpp"} <= set(packed.getnames())


def test_esp_idfs_component_manager_packs_it(tmp_path: Path):
    """It reads the manifest by its own rules; it needs no network for that."""
    compote = shutil.which("compote")
    if compote is None:
        return
    write_files(files(package="esp-idf"), tmp_path)
    argv = [compote, "component", "pack", "--name", "net0", "--dest-dir", str(tmp_path / "packed")]
    surroundings = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(argv, cwd=tmp_path / "net0", env=surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "packed" / "net0_0.1.0" / "src" / "net0.c").is_file()


def test_platformio_has_a_manifest_and_an_example_that_passes(tmp_path: Path):
    write_files(files(package="platformio"), tmp_path)
    manifest = json.loads((tmp_path / "library.json").read_text())
    assert manifest["name"] == "net0"
    assert (tmp_path / manifest["build"]["srcDir"] / manifest["headers"]).is_file()
    compiled(tmp_path, "src/net0.c", "src/net0_test.c", "examples/selftest/main.cpp", include="src")


def test_zephyr_is_a_module_that_a_stand_in_builds(tmp_path: Path):
    write_files(files(package="zephyr"), tmp_path / "package")
    write_files({"CMakeLists.txt": ZEPHYR, "stand_in/zephyr/sys/printk.h": PRINTK}, tmp_path)
    module = (tmp_path / "package" / "zephyr" / "module.yml").read_text()
    assert module == "name: net0\nbuild:\n  cmake: .\n  kconfig: Kconfig\n"
    options = re.findall(r"^config (\w+)$", (tmp_path / "package" / "Kconfig").read_text(), re.M)
    assert options == ["NET0", "NET0_SELFTEST"]
    main = tmp_path / "Kconfig"
    main.write_text(f'config PRINTK\n\tbool "Zephyr\'s own"\nsource "{tmp_path}/package/Kconfig"\n')
    configuration = kconfiglib.Kconfig(str(main), warn_to_stderr=False)  # what Zephyr's build reads Kconfig with
    configuration.load_config(str(tmp_path / "package" / "samples" / "selftest" / "prj.conf"))
    assert configuration.warnings == []
    assert [configuration.syms[name].str_value for name in (*options, "PRINTK")] == ["y"] * 3
    assert run(cmake(tmp_path) / "app", cwd=tmp_path) == "net0: PASS\n"


def test_esp_idf_is_a_component_that_a_stand_in_builds(tmp_path: Path):
    write_files(files(package="esp-idf"), tmp_path / "package")
    write_files({"CMakeLists.txt": ESP_IDF, "start.c": START}, tmp_path)
    manifest = (tmp_path / "package" / "net0" / "idf_component.yml").read_text()
    assert re.search(r'^version: "\d+\.\d+\.\d+"$', manifest, re.M)
    assert run(cmake(tmp_path) / "app", cwd=tmp_path) == "net0: PASS\n"


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_holds_the_same_network(package: str):
    plain, made = files(), files(package=package)
    for path, text in plain.items():
        (where,) = (p for p in made if p.rpartition("/")[2] == path)
        assert made[where] == text
    assert all(text.isascii() for text in made.values())


@pytest.mark.parametrize("package", [p for p in PACKAGES if p != "plain"])
def test_a_package_without_vectors_names_no_self_test(package: str):
    made = emit(run_pipeline(GRAPH, "c"), "net0", {"package": package}).files
    assert not [path for path, text in made.items() if "selftest(" in text and not path.endswith("net0.h")]


def test_an_unknown_package_and_prefix_are_refused_together():
    with pytest.raises(LrtcError) as error:
        files(package="platfromio", prefix="9-")
    assert "no package 'platfromio' (did you mean 'platformio'?)" in str(error.value)
    assert "9- begins no C name" in str(error.value)
    with pytest.raises(LrtcError, match="names that begin with lrtc"):
        files(prefix="lrtc_")


def test_the_prefix_is_before_every_symbol_and_both_link_together(tmp_path: Path):
    mine = files(prefix="acme_")
    assert set(mine) == set(files())
    text = re.sub(r"/\*.*?\*/", "", "".join(mine.values()), flags=re.DOTALL)
    assert not re.search(r"\b(net0|NET0)_", text)
    write_files(mine, tmp_path / "mine")
    write_files(files(), tmp_path / "plain")
    heads = "int acme_net0_selftest(void);\nint net0_selftest(void);\n"
    (tmp_path / "main.c").write_text(heads + "int main(void) { return acme_net0_selftest() + net0_selftest(); }\n")
    sources = [f"{folder}/net0{part}.c" for folder in ("mine", "plain") for part in ("", "_test")]
    run(tool("cc", "gcc", "clang"), "-std=c99", "main.c", *sources, "-o", "both", cwd=tmp_path)
    run(tmp_path / "both", cwd=tmp_path)


def test_two_threads_work_in_contexts_of_their_own(tmp_path: Path):
    """Three threads at once give the logits of one after another."""
    made = files(context=True)
    write_files(made, tmp_path)
    assert not re.search(r"^static (?!const|inline)[^(]*;$", made["net0.c"], re.M), "no memory of its own"
    network = to_c(GRAPH, images=3)
    want = np.asarray(interp.run(GRAPH, network.x)).reshape(3, -1)
    given = ",".join(str(v) for v in network.x.reshape(-1))
    main = f"""
#include "net0.h"
#include <pthread.h>
#include <stdio.h>
static const uint8_t x[3][NET0_INPUT_BYTES] = {{{given}}};
static int32_t y[3][NET0_CLASSES];
static void *work(void *at)
{{
    static net0_context contexts[3];
    const int k = (int)(size_t)at;
    int i;
    for (i = 0; i < 2000; i++) net0_run(&contexts[k], x[k], y[k]);
    return 0;
}}
int main(void)
{{
    pthread_t threads[3];
    size_t k;
    int c;
    for (k = 0; k < 3; k++) pthread_create(&threads[k], 0, work, (void *)k);
    for (k = 0; k < 3; k++) pthread_join(threads[k], 0);
    for (k = 0; k < 3; k++) for (c = 0; c < NET0_CLASSES; c++) printf("%d\\n", (int)y[k][c]);
    return net0_selftest();
}}
"""
    (tmp_path / "main.c").write_text(main)
    cc = tool("cc", "gcc", "clang")
    for source in ("net0.c", "net0_test.c"):
        run(cc, "-std=c99", *STRICT, "-c", source, cwd=tmp_path)
    run(cc, "-std=gnu99", "-pthread", "main.c", "net0.o", "net0_test.o", "-o", "threads", cwd=tmp_path)
    assert [int(line) for line in run(tmp_path / "threads", cwd=tmp_path).split()] == list(want.reshape(-1))
