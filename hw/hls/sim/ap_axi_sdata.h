// A beat of AXI4-Stream for C simulation without Vitis HLS, which brings its own header of this name. Written for lrtc,
// Apache-2.0.
#ifndef LRTC_SIM_AP_AXI_SDATA_H
#define LRTC_SIM_AP_AXI_SDATA_H

#include <ap_int.h>

template <int Data, int User, int Id, int Dest> struct ap_axiu {
    static_assert(Data % 8 == 0 && User == 0 && Id == 0 && Dest == 0, "whole octets without side bands");
    ap_uint<Data> data;
    ap_uint<Data / 8> keep, strb;
    ap_uint<1> last;
};

#endif
