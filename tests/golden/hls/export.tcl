# synthesis, then an IP for Vivado. Written by lrtc VERSION.
source [file join [file dirname [info script]] project.tcl]
csynth_design
export_design -format ip_catalog -rtl verilog -vendor lrtc -library hls -ipname tiny -version 1.0
exit
