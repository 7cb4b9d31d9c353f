pragma circom 2.1.6;

/// @title   The bytes of a field element, as an integer below r
/// @notice  value = sum_i byte_i 256^i with sum_i byte_i 256^i <= r - 1, shown by gap = r - 1 - sum_i byte_i 256^i >= 0, half by half with a borrow
/// @input   byte, gap    32 bytes each, least significant first. ASSUMED in [0, 256): constrained by the caller (lookup, or bits)
/// @input   borrow       untrusted: constrained to 0 or 1 here
/// @output  value        unique, and so are byte, gap and borrow for a given value
/// @soundness no `<--`. 32 bytes reach 2^256, which is more than five times r: without the gap a value x would also have the bytes of x + r, ..., and its
///           low bits could be chosen. Both halves are below 2^128, so the two equations of the gap hold over the integers.
/// @edge    value 0: gap r - 1; value r - 1: gap 0
/// @cost    1 non-linear, 3 linear; the caller's lookups: 64
/// @source  the known flaw is a decomposition into 254 bits without a comparison with r: test/soundness/training-step.test.ts keeps it
template CanonicalBytes() {
    var LAST = -1; // r - 1
    var HALF = 1 << 128;

    signal input byte[32];
    signal input gap[32];
    signal input borrow;
    signal output value;

    borrow * (borrow - 1) === 0;
    var low = 0;
    var high = 0;
    var gapLow = 0;
    var gapHigh = 0;
    for (var i = 0; i < 16; i++) {
        low += byte[i] * (1 << (8 * i));
        high += byte[16 + i] * (1 << (8 * i));
        gapLow += gap[i] * (1 << (8 * i));
        gapHigh += gap[16 + i] * (1 << (8 * i));
    }
    gapLow === LAST % HALF - low + borrow * HALF;
    gapHigh === LAST \ HALF - high - borrow;
    value <== low + high * HALF;
}
