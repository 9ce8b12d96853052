"""The commands: words and tables only."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from lrtc import __version__
from lrtc.asked import Hardware, IntegerForm, OutputKind, c_form, chip_options, target_options
from lrtc.cli_boards import boards, flash
from lrtc.cli_costs import ConstantTime, Core, Flash, Optimize, Ram, Tuned, choose, report, size, tune
from lrtc.cli_doctor import doctor
from lrtc.cli_hls import Control, Part
from lrtc.cli_manners import Group, Quiet, Verbose, among, engines, mannered, packages, targets
from lrtc.cli_options import opened_model
from lrtc.cli_prove import certified, print_proofs, proofs_of, rechecked
from lrtc.cli_quantize import quantize
from lrtc.cli_rtl import (
    AxiLite,
    Brams,
    Clock,
    Cycles,
    DeviceName,
    Fold,
    Fps,
    Integers,
    Lanes,
    Like,
    Luts,
    Output,
    Reloadable,
    Stages,
    Style,
    check_like,
    explore,
    plan_json,
    print_plan,
    simulate,
)
from lrtc.cli_show import show
from lrtc.cli_synth import synth
from lrtc.errors import LrtcError, ToolMissing
from lrtc.terminal import behave, err, is_verbose, out, print_json, print_notes, working

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Compile trained discrete neural networks to C, Verilog and HLS, bit for bit.",
)


ModelPath = Annotated[Path, typer.Argument(metavar="MODEL", help="a model.pt written by lrtc.save")]
Name = Annotated[str | None, typer.Option("--name", help="name of the functions, modules and files; default: the stem")]
DataPath = Annotated[
    Path,
    typer.Option("--data", help="an .npz with x (N × the input shape as torch takes it), or each input by name, and y"),
]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON for machines")]


def main() -> None:
    """Run the command line; a user's fault ends with one message and exit status 2."""
    try:
        app(prog_name="lrtc")
    except LrtcError as error:
        if is_verbose():
            err.print(traceback.format_exc(), style="dim", markup=False, highlight=False, soft_wrap=True)
        err.print(f"lrtc: error: {error}", style=None, markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)


@app.callback(invoke_without_command=True)
def top(
    quiet: Quiet = False,
    verbose: Verbose = False,
    version: Annotated[bool, typer.Option("--version", help="print the version")] = False,
) -> None:
    behave(quiet, verbose, anew=True)
    if version:
        out.print(f"lrtc {__version__}", highlight=False)
        raise typer.Exit()


def compile_(
    model: ModelPath,
    target: Annotated[
        str, typer.Option("--target", "-t", help="c, verilog or hls", autocompletion=among(targets))
    ] = "c",
    folder: Annotated[
        Path | None, typer.Option("--output-dir", "-o", help="folder to write; default: build/NAME-TARGET")
    ] = None,
    name: Name = None,
    output: Output = OutputKind.logits,
    fold: Fold = None,
    cycles: Cycles = None,
    fps: Fps = None,
    clock: Clock = None,
    luts: Luts = None,
    brams: Brams = None,
    device: DeviceName = None,
    lanes_in: Lanes = None,
    part: Part = None,
    control: Control = None,
    integers: Integers = IntegerForm.auto,
    style: Style = None,
    stages: Stages = None,
    axi_lite: AxiLite = False,
    reloadable: Reloadable = False,
    like: Like = None,
    package: Annotated[
        str,
        typer.Option(
            "--package",
            help="plain, cmake, arduino, platformio, zephyr or esp-idf (C)",
            autocompletion=among(packages),
        ),
    ] = "plain",
    prefix: Annotated[str, typer.Option("--prefix", help="put before every symbol (C)")] = "",
    lanes: Annotated[
        int | None, typer.Option("--lanes", help="pixels in a word of pixel-sliced kernels, 32 to 512 (C)")
    ] = None,
    context: Annotated[bool, typer.Option("--context", help="re-entrant: the caller gives the arena (C)")] = False,
    report: Annotated[bool, typer.Option("--report", help="a self-test that says what differs (C)")] = False,
    profile: Annotated[
        str | None, typer.Option("--profile", metavar="CORE", help="time layers, beside what CORE executes (C)")
    ] = None,
    data: Annotated[Path | None, typer.Option("--data", help="take the self-test's vectors from this .npz")] = None,
    verify: Annotated[
        bool | None, typer.Option("--verify/--no-verify", help="compare outputs before and after every pass")
    ] = None,
    core: Core = None,
    tuned: Tuned = None,
    optimize: Optimize = None,
    flash: Flash = None,
    ram: Ram = None,
    constant_time: ConstantTime = False,
    certificate: Annotated[
        bool, typer.Option("--certificate", help="prove the result, and write a certificate beside it")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compile MODEL into a folder of C, Verilog or HLS.

    Examples: lrtc compile model.pt --target c -o firmware/net
              lrtc compile model.pt --core cortex-m4 --flash 64K --ram 8K
              lrtc compile model.pt --target verilog --fps 10000 --clock 100MHz
    """
    from lrtc.driver import SELF_TEST_VECTORS, backend_for, compile
    from lrtc.flashing import predicted
    from lrtc.folders import write_compiled
    from lrtc.output import check_folder
    from lrtc.report.tables import layer_rows, layer_table

    backend_for(target)
    opened = opened_model(model, name)
    folder = folder or Path("build") / f"{opened.name}-{target}"
    check_folder(folder)
    vectors = opened.quantized(read_images(opened, data, SELF_TEST_VECTORS)[0]) if data else None
    form = c_form(package, prefix, context, report, profile, lanes)
    chip = chip_options(target, part, clock, control)
    paced = clock if fps or target != "hls" else None  # the scripts of HLS have a clock without a rate
    sized = (fold, cycles, fps, paced, luts, brams, device, lanes_in)
    hardware = Hardware(*sized, integers, style, stages, axi_lite, reloadable)
    options = target_options(target, output, hardware, form)
    options |= chip
    if profile:
        options["profile"] = predicted(opened, profile, vectors, lanes)
    options |= {"verify": verify, "vectors": vectors}
    wanted = (core, tuned, optimize, flash, ram, constant_time)
    if target != "c" and any(wanted):
        raise LrtcError("only --target c chooses kernels by their cost on a core")
    if profile and any(wanted):
        raise LrtcError("--profile predicts the kernels that C has by itself, not those chosen by cost")
    lacking = None
    try:
        found = choose(opened, *wanted, **options)
    except ToolMissing as missing:
        if constant_time:  # the default kernels would break that promise
            raise
        found, lacking = None, missing
    if not found:
        with working("") as progress:
            task = progress.add_task(target)
            options["watch"] = lambda step, graph: progress.update(task, description=f"{target}: {step.name}")
            found = compile(opened, target, **options), None
    result, chosen = found
    if like is not None:
        check_like(like, result)
    files = write_compiled(folder, result, certified(model, opened, result) if certificate else {})
    if lacking is not None:
        what = f"the sources, with the default kernels, are in {folder}"
        raise ToolMissing(lacking.summary, lacking.faults, f"{lacking.hint}; {what}" if lacking.hint else what)
    if as_json:
        rows = [vars(row) for row in layer_rows(result.graph)]
        print_json({"name": result.name, "target": target, "folder": str(folder), "files": files,
                    "notes": list(result.notes), "layers": rows, "plan": plan_json(result.plan)})  # fmt: skip
        return
    out.print(layer_table(result.graph))
    print_plan(result.plan)
    print_notes([*result.notes, *(chosen.lines() if chosen else ())])
    out.print(f"wrote {len(files)} files to {folder}", highlight=False, soft_wrap=True)


def verify(
    model: ModelPath,
    data: Annotated[Path | None, typer.Option("--data", help="the images, an .npz with x (and y); see `run`")] = None,
    engines: Annotated[
        str | None,
        typer.Option(
            "--engines",
            help="default: torch,interp,c,cortex-m0,cortex-m4,rtl,hls",
            autocompletion=among(engines),
        ),
    ] = None,
    cores: Annotated[
        str | None, typer.Option("--cores", help="the emulated cores, comma-separated, or all; with the other engines")
    ] = None,
    images: Annotated[int | None, typer.Option("--images", help="images at most, for every engine", min=1)] = None,
    slow_images: Annotated[int, typer.Option("--slow-images", help="images for cores, RTL and HLS", min=1)] = 20,
    prove: Annotated[
        bool, typer.Option("--prove", help="show for every input that the compiled network is the one that was read")
    ] = False,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", metavar="FILE", help="check a certificate.json again")
    ] = None,
    name: Name = None,
    fold: Fold = None,
    cycles: Cycles = None,
    fps: Fps = None,
    clock: Clock = None,
    luts: Luts = None,
    brams: Brams = None,
    device: DeviceName = None,
    lanes_in: Lanes = None,
    style: Style = None,
    stages: Stages = None,
    as_json: AsJson = False,
) -> None:
    """Run the same images through every engine and compare every logit: torch, interpreter, C, emulated C, RTL, HLS.

    --prove needs no images: it shows for every input that what is compiled is what was read.
    Exit status 0 when all that ran agree, 1 when one differs.

    Examples: lrtc verify model.pt --data digits.npz
              lrtc verify model.pt --data digits.npz --engines interp,c,rtl
              lrtc verify model.pt --prove
    """
    from lrtc.chain import Chain, chosen_engines, verify_chain
    from lrtc.report.tables import verdict_table, verdicts_json

    if data is None and not (prove or certificate):
        raise LrtcError("--data is needed to compare engines; --prove and --certificate need none")
    chosen = chosen_engines(engines, cores)
    opened = opened_model(model, name)
    rtl = Hardware(fold, cycles, fps, clock, luts, brams, device, lanes_in, style=style, stages=stages).options()
    proofs = rechecked(certificate, model, opened) if certificate else []
    proofs += proofs_of(opened, {"c": {}, "verilog": rtl}) if prove else []
    if proofs and not as_json:
        print_proofs(proofs)
    unproven = any(proof.holds is False for proof in proofs)
    if data is None:
        if as_json:
            print_json({"model": opened.name, "proofs": [vars(proof) for proof in proofs]})
        raise typer.Exit(1 if unproven else 0)
    raw, y = read_images(opened, data, images)
    chain = Chain(opened, **rtl)
    with working("") as progress:
        task = progress.add_task("starting")

        def step(engine: str, n: int) -> None:
            progress.update(task, description=f"{engine}: {n} images")

        named = cores != "all" and bool(engines or cores)
        verdicts = list(verify_chain(chain, raw, y, chosen, slow_images, named, step))
    differing = [v.engine for v in verdicts if v.equal is False]
    skipped = [v.engine for v in verdicts if v.equal is None]
    if as_json:
        print_json(
            {"model": opened.name, "equal": not differing, "skipped": skipped, "engines": verdicts_json(verdicts),
             "proofs": [vars(proof) for proof in proofs]}
        )  # fmt: skip
    else:
        out.print(verdict_table(verdicts))
        print_notes(opened.notes)
        text = f"DIFFERENT: {', '.join(differing)}" if differing else "all equal, every logit of every image"
        text += f" (not run: {', '.join(skipped)})" if skipped else ""
        out.print(text, style="bold red" if differing else "bold green", highlight=False)
    raise typer.Exit(1 if differing or unproven else 0)


def run(
    model: ModelPath,
    data: DataPath,
    engine: Annotated[
        str,
        typer.Option(
            "--engine",
            "-e",
            help="torch, interp, c, rtl, hls or a core: cortex-m4",
            autocompletion=among(engines),
        ),
    ] = "c",
    result: Annotated[
        Path | None, typer.Option("-o", "--output-file", help="an .npz for logits and class, or for each output")
    ] = None,
    images: Annotated[int | None, typer.Option("--images", help="images at most", min=1)] = None,
    name: Name = None,
    as_json: AsJson = False,
) -> None:
    """Run MODEL on data with one engine; write its logits and classes.

    Example: lrtc run model.pt --data digits.npz --engine cortex-m4 -o out.npz
    """
    from lrtc.chain import Chain, check_engine
    from lrtc.output import write_arrays
    from lrtc.report.tables import cost_text

    check_engine(engine)
    opened = opened_model(model, name)
    raw, y = read_images(opened, data, images)
    with working(engine):
        done = Chain(opened).run(engine, raw)
    many = len(done.rows)
    accuracy = None if y is None else float((done.classes == y).mean())
    if result is not None:
        only = {"logits": done.logits, "class": done.classes.astype("int32")}
        write_arrays(result, only if len(done.outputs) == 1 else done.answers)
    if as_json:
        print_json({"engine": engine, "images": many, "accuracy": accuracy, "figures": dict(done.figures)})
        return
    text = f"{engine}: {many:,} images" + ("" if accuracy is None else f", accuracy {accuracy:.2%}")
    cost = cost_text(done.figures)
    out.print(text + (f"; {cost}" if cost else "") + (f"; wrote {result}" if result else ""), highlight=False)


def read_images(model, path: Path, images: int | None = None):
    """Return (input → data as torch takes it, labels or None) of a data file that fits the model, `images` at most."""
    from lrtc.driver import class_count
    from lrtc.frontend.data import read_feeds

    feeds, y = read_feeds(path, model.graph.inputs, class_count(model.graph))
    return {name: x[:images] for name, x in feeds.items()}, y if y is None else y[:images]


for _name, _command in {
    "compile": compile_, "show": show, "quantize": quantize, "run": run, "verify": verify, "simulate": simulate,
    "report": report, "size": size, "tune": tune, "explore": explore, "synth": synth, "boards": boards, "flash": flash,
    "doctor": doctor,
}.items():  # fmt: skip
    mannered(app, _name, _command)


if __name__ == "__main__":
    main()
