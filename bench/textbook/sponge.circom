pragma circom 2.1.6;

include "circomlib/circuits/bitify.circom";
include "circomlib/circuits/poseidon.circom";

/// Domain tag of a committed list of field elements: the ASCII name as a big-endian integer.
function tagList() {
    return 578624617391782674558465550609642356; // "openledger.list"
}

/// @title   Hash of n field elements under a tag, as everybody writes it
/// @notice  the function of circuits/gadgets/sponge.circom, on circomlib's Poseidon(16)
/// @param   tag  domain: the ASCII name as a big-endian integer
/// @param   n    number of elements, at least 1 (assert)
/// @input   in   untrusted field elements
/// @output  out  unique
/// @soundness no `<--`
/// @cost    612 non-linear a block of 15 elements, and about 1,500 linear ones that -O1 leaves
template Sponge(tag, n) {
    assert(n >= 1);
    var BLOCKS = (n + 14) \ 15;

    signal input in[n];
    signal output out;

    component permutation[BLOCKS];
    for (var b = 0; b < BLOCKS; b++) {
        permutation[b] = Poseidon(16);
        permutation[b].inputs[0] <== (b == 0 ? tag : permutation[b - 1].out);
        for (var i = 0; i < 15; i++) {
            var e = 15 * b + i;
            permutation[b].inputs[i + 1] <== (e < n ? in[e] : 0);
        }
    }
    out <== permutation[BLOCKS - 1].out;
}

/// @title   The commitment of a list of field elements
/// @notice  out = H(tagList, n, in_0, ..., in_{n-1}): what takes the place of an evaluation at the challenge where two proofs speak about one list.
///          The elements are not packed: they are sums, and packing them would take the bits of each
/// @input   in   untrusted field elements
/// @output  out  unique
/// @soundness no `<--`
/// @cost    about 41 non-linear an element
template ListCommit(n) {
    signal input in[n];
    signal output out;

    component hash = Sponge(tagList(), 1 + n);
    hash.in[0] <== n;
    for (var i = 0; i < n; i++) {
        hash.in[1 + i] <== in[i];
    }
    out <== hash.out;
}

/// @title   A signed value of given width
/// @notice  in in [-2^(bits-1), 2^(bits-1))
/// @param   bits  width with the sign, at most 253 (assert)
/// @input   in    untrusted
/// @soundness no `<--` but those of Num2Bits, where in + 2^(bits-1) is the sum of the bits
/// @cost    bits
template SignedRange(bits) {
    assert(bits >= 1 && bits <= 253);
    signal input in;

    component offset = Num2Bits(bits);
    offset.in <== in + (1 << (bits - 1));
}
