# synthesis, then the test bench against the RTL. Written by lrtc VERSION.
source [file join [file dirname [info script]] project.tcl]
csynth_design
cosim_design -rtl verilog
exit
