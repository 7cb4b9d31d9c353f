pragma circom 2.1.6;

include "poseidon.circom";

/// @title   Hash of n field elements under a tag
/// @notice  h = tag; for each block of 15 elements (the last one padded with zeros): h = Poseidon16(h, block)
/// @param   tag  domain: the ASCII name as a big-endian integer
/// @param   n    number of elements, at least 1 (assert)
/// @input   in   untrusted field elements; the caller puts every dimension into the first of them, so padding is never ambiguous
/// @output  out  unique
/// @soundness no `<--`
/// @edge    n a multiple of 15: no extra block
/// @cost    609 non-linear and 88 linear a block, and a linear one for each element that is not a bare wire
template Sponge(tag, n) {
    assert(n >= 1);
    var BLOCKS = (n + 14) \ 15;

    signal input in[n];
    signal output out;

    component permutation[BLOCKS];
    for (var b = 0; b < BLOCKS; b++) {
        permutation[b] = Poseidon16();
        permutation[b].in[0] <== (b == 0 ? tag : permutation[b - 1].out);
        for (var i = 0; i < 15; i++) {
            var e = 15 * b + i;
            permutation[b].in[i + 1] <== (e < n ? in[e] : 0);
        }
    }
    out <== permutation[BLOCKS - 1].out;
}
