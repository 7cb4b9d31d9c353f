pragma circom 2.1.6;

include "circomlib/circuits/bitify.circom";

/// @title  KNOWN BAD: the sign of a field element from 254 bits without an alias check
/// @notice Numbers below r - 2^253 have two decompositions into 254 bits, v and v + r. The top bit of 5 + r is set, so 5 counts as negative: ReLU(5) = 0.
template AliasedRelu() {
    signal input in;
    signal output out;

    component bits = Num2Bits(254);
    bits.in <== in;
    out <== in * (1 - bits.out[253]);
}
