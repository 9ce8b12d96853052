# The project of tiny for Vitis HLS; the other scripts source it. Written by lrtc VERSION.
set here [file normalize [file dirname [info script]]]
open_project -reset tiny_hls
set_top tiny
add_files [file join $here tiny.cpp] -cflags "-std=c++14 -I$here"
add_files -tb [file join $here tiny_tb.cpp] -cflags "-std=c++14 -I$here"
open_solution -reset solution -flow_target vivado
set_part {xc7z020clg400-1}
create_clock -period 6.667 -name default
