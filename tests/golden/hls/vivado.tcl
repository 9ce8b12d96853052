# A block design around the IP that export.tcl made: its streams, clock and reset as ports. Written by lrtc VERSION.
set here [file normalize [file dirname [info script]]]
create_project -force tiny_vivado tiny_vivado -part xc7z020clg400-1
set_property ip_repo_paths [file join [pwd] tiny_hls solution impl ip] [current_project]
update_ip_catalog
create_bd_design tiny_bd
create_bd_cell -type ip -vlnv lrtc:hls:tiny:1.0 tiny_0
make_bd_intf_pins_external -name s_axis [get_bd_intf_pins tiny_0/s_axis]
make_bd_intf_pins_external -name m_axis [get_bd_intf_pins tiny_0/m_axis]
make_bd_intf_pins_external -name s_axi_control [get_bd_intf_pins tiny_0/s_axi_control]
make_bd_pins_external -name ap_clk [get_bd_pins tiny_0/ap_clk]
make_bd_pins_external -name ap_rst_n [get_bd_pins tiny_0/ap_rst_n]
set_property CONFIG.FREQ_HZ 150000000 [get_bd_ports ap_clk]
assign_bd_address
validate_bd_design
save_bd_design
make_wrapper -top -import [get_files tiny_bd.bd]
