"""QONNX and ONNX files → the IR: values are integers times a scale between quantisers, or the node is named."""

from lrtc.frontend.qonnx.importer import Imported, import_qonnx

__all__ = ["Imported", "import_qonnx"]
