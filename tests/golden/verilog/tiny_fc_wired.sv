// tiny_fc_wired: the weights of a layer as wires, for model tiny. Written by lrtc VERSION; do not edit.
//
// %fc = linear %bits, %w_v2  : i6[3:C]  # body.fc
// 61 gates and 44 flip-flops of data in 3 stages; one window a cycle.

`default_nettype none

module tiny_fc_wired (
    input  wire clk_i,
    input  wire rst_ni,
    input  wire in_valid_i,
    output wire in_ready_o,
    input  wire [15:0] in_data_i,
    output wire out_valid_o,
    input  wire out_ready_i,
    output wire [17:0] out_data_o
);
    // A stage takes new data when it is empty or the next one takes its own.
    logic valid0_q;
    logic valid1_q;
    logic valid2_q;
    wire move3 = out_ready_i;
    wire move2 = !valid2_q || move3;
    wire move1 = !valid1_q || move2;
    wire move0 = !valid0_q || move1;
    assign in_ready_o = move0;
    assign out_valid_o = valid2_q;
    always_ff @(posedge clk_i) begin
        if (!rst_ni) begin
            valid0_q <= 1'b0;
            valid1_q <= 1'b0;
            valid2_q <= 1'b0;
        end else begin
            if (move0) valid0_q <= in_valid_i;
            if (move1) valid1_q <= valid0_q;
            if (move2) valid2_q <= valid1_q;
        end
    end

    // stage 0
    wire g17 = in_data_i[0] ^ in_data_i[6] ^ in_data_i[12];
    wire g18 = (~in_data_i[6] & ~in_data_i[12]) | (in_data_i[0] & (~in_data_i[6] | ~in_data_i[12]));
    wire g19 = in_data_i[4] ^ in_data_i[7] ^ in_data_i[9];
    wire g20 = (~in_data_i[7] & ~in_data_i[9]) | (in_data_i[4] & (~in_data_i[7] | ~in_data_i[9]));
    wire g21 = in_data_i[1] ^ g17 ^ g19;
    wire g22 = (~g17 & ~g19) | (in_data_i[1] & (~g17 | ~g19));
    wire g23 = g18 ^ g20 ^ g22;
    wire g24 = (g20 & ~g22) | (g18 & (g20 | ~g22));
    wire g25 = (in_data_i[6] & ~in_data_i[12]) | (in_data_i[0] & (in_data_i[6] | ~in_data_i[12]));
    wire g26 = (~g17 & g19) | (in_data_i[1] & (~g17 | g19));
    wire g27 = g20 ^ g25 ^ g26;
    wire g28 = (g25 & g26) | (g20 & (g25 | g26));
    wire g29 = in_data_i[2] ^ in_data_i[5] ^ in_data_i[14];
    wire g30 = (~in_data_i[5] & ~in_data_i[14]) | (in_data_i[2] & (~in_data_i[5] | ~in_data_i[14]));
    wire g31 = in_data_i[10] ^ in_data_i[11] ^ in_data_i[15];
    wire g32 = (~in_data_i[11] & ~in_data_i[15]) | (in_data_i[10] & (~in_data_i[11] | ~in_data_i[15]));
    wire g33 = in_data_i[8] ^ g29 ^ g31;
    wire g34 = (~g29 & ~g31) | (in_data_i[8] & (~g29 | ~g31));
    wire g35 = g30 ^ g32 ^ g34;
    wire g36 = (g32 & ~g34) | (g30 & (g32 | ~g34));
    wire g37 = (in_data_i[5] & in_data_i[14]) | (in_data_i[2] & (in_data_i[5] | in_data_i[14]));
    wire g38 = (in_data_i[11] & ~in_data_i[15]) | (in_data_i[10] & (in_data_i[11] | ~in_data_i[15]));
    wire g39 = (~g29 & g31) | (in_data_i[8] & (~g29 | g31));
    wire g40 = g37 ^ g38 ^ g39;
    wire g41 = (g38 & ~g39) | (g37 & (g38 | ~g39));
    wire g42 = in_data_i[3] ^ in_data_i[13] ^ g21;
    wire g43 = (in_data_i[13] & g21) | (in_data_i[3] & (in_data_i[13] | g21));
    wire g44 = (~in_data_i[13] & ~g21) | (in_data_i[3] & (~in_data_i[13] | ~g21));
    wire g45 = (in_data_i[13] & ~g21) | (in_data_i[3] & (in_data_i[13] | ~g21));
    logic g23_q1;
    logic g24_q1;
    logic g27_q1;
    logic g28_q1;
    logic g33_q1;
    logic g35_q1;
    logic g36_q1;
    logic g40_q1;
    logic g41_q1;
    logic g42_q1;
    logic g43_q1;
    logic g44_q1;
    logic g45_q1;
    always_ff @(posedge clk_i) begin
        if (move0) begin
            g23_q1 <= g23;
            g24_q1 <= g24;
            g27_q1 <= g27;
            g28_q1 <= g28;
            g33_q1 <= g33;
            g35_q1 <= g35;
            g36_q1 <= g36;
            g40_q1 <= g40;
            g41_q1 <= g41;
            g42_q1 <= g42;
            g43_q1 <= g43;
            g44_q1 <= g44;
            g45_q1 <= g45;
        end
    end

    // stage 1
    wire g46 = g33_q1 ^ g42_q1;
    wire g47 = g33_q1 & ~g42_q1;
    wire g48 = g23_q1 ^ g40_q1 ^ g44_q1;
    wire g49 = (~g40_q1 & ~g44_q1) | (g23_q1 & (~g40_q1 | ~g44_q1));
    wire g50 = g47 ^ g48;
    wire g51 = g47 & g48;
    wire g52 = g23_q1 ^ g40_q1 ^ g45_q1;
    wire g53 = (g40_q1 & ~g45_q1) | (g23_q1 & (g40_q1 | ~g45_q1));
    wire g54 = g47 ^ g52;
    wire g55 = g47 & g52;
    wire g56 = g27_q1 ^ g35_q1 ^ g43_q1;
    wire g57 = (g35_q1 & ~g43_q1) | (g27_q1 & (g35_q1 | ~g43_q1));
    wire g58 = g47 ^ g56;
    wire g59 = g47 & ~g56;
    wire g60 = g24_q1 ^ g41_q1 ^ g49;
    wire g61 = (~g41_q1 & ~g49) | (g24_q1 & (~g41_q1 | ~g49));
    wire g62 = g51 ^ g60;
    wire g63 = g51 & ~g60;
    wire g64 = g24_q1 ^ g41_q1 ^ g53;
    wire g65 = (g41_q1 & ~g53) | (g24_q1 & (g41_q1 | ~g53));
    wire g66 = g55 ^ g64;
    wire g67 = g55 & ~g64;
    wire g68 = g28_q1 ^ g36_q1 ^ g57;
    wire g69 = (~g36_q1 & g57) | (g28_q1 & (~g36_q1 | g57));
    wire g70 = g59 ^ g68;
    wire g71 = g59 & ~g68;
    logic g46_q1;
    logic g50_q1;
    logic g54_q1;
    logic g58_q1;
    logic g61_q1;
    logic g62_q1;
    logic g63_q1;
    logic g65_q1;
    logic g66_q1;
    logic g67_q1;
    logic g69_q1;
    logic g70_q1;
    logic g71_q1;
    always_ff @(posedge clk_i) begin
        if (move1) begin
            g46_q1 <= g46;
            g50_q1 <= g50;
            g54_q1 <= g54;
            g58_q1 <= g58;
            g61_q1 <= g61;
            g62_q1 <= g62;
            g63_q1 <= g63;
            g65_q1 <= g65;
            g66_q1 <= g66;
            g67_q1 <= g67;
            g69_q1 <= g69;
            g70_q1 <= g70;
            g71_q1 <= g71;
        end
    end

    // stage 2
    wire g72 = g61_q1 ^ g63_q1;
    wire g73 = g61_q1 & ~g63_q1;
    wire g74 = g65_q1 ^ g67_q1;
    wire g75 = ~g65_q1 & ~g67_q1;
    wire g76 = g69_q1 ^ g71_q1;
    wire g77 = ~g69_q1 & ~g71_q1;
    logic [17:0] out_data_q;
    always_ff @(posedge clk_i) begin
        if (move2) begin
            out_data_q[0] <= 1'b0;
            out_data_q[1] <= ~g46_q1;
            out_data_q[2] <= g50_q1;
            out_data_q[3] <= ~g62_q1;
            out_data_q[4] <= g72;
            out_data_q[5] <= g73;
            out_data_q[6] <= 1'b0;
            out_data_q[7] <= ~g46_q1;
            out_data_q[8] <= g54_q1;
            out_data_q[9] <= ~g66_q1;
            out_data_q[10] <= ~g74;
            out_data_q[11] <= g75;
            out_data_q[12] <= 1'b0;
            out_data_q[13] <= ~g46_q1;
            out_data_q[14] <= ~g58_q1;
            out_data_q[15] <= ~g70_q1;
            out_data_q[16] <= ~g76;
            out_data_q[17] <= g77;
        end
    end

    assign out_data_o = out_data_q;
endmodule

`default_nettype wire
