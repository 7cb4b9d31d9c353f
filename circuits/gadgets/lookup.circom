pragma circom 2.1.6;

/// @title   Every value lies in [0, 2^bits)
/// @notice  sum_i 1/(challenge - in_i) = sum_j multiplicity_j/(challenge - j), j in [0, 2^bits)
/// @param   n, bits       number of values; table size 2^bits, 1 <= bits <= 16 (assert)
/// @input   in            values to check. ASSUMED to be fixed before the challenge: affine functions of committed inputs
/// @input   multiplicity  how often each table entry occurs. ASSUMED to be committed
/// @input   challenge     derived from the commitment to all of them
/// @soundness left_{i+1} <-- is pinned by (left_{i+1} - left_i)(challenge - in_i) = 1; right_{j+1} <-- by (right_{j+1} - right_j)(challenge - j) = multiplicity_j.
///          As rational functions of the challenge both sides have the same poles only if every in_i is a table entry
///          (counts stay below r); two different rational functions of degree n + 2^bits agree on at most that many points.
///          If a value were chosen after the challenge, two of them could be traded against each other: test/soundness keeps that attack.
/// @edge    challenge equal to a value or a table entry has no witness (probability below 2^-230)
/// @cost    n + 2^bits non-linear
/// @source  Habock: Multivariate lookups based on logarithmic derivatives (ePrint 2022/1530), section 3
template RangeLookup(n, bits) {
    assert(bits >= 1 && bits <= 16);
    var SIZE = 1 << bits;

    signal input in[n];
    signal input multiplicity[SIZE];
    signal input challenge;

    // left[i] = the sum over the first i values: the inverse is the step between two wires, so the sum costs no constraint and no long line.
    signal left[n + 1];
    signal right[SIZE + 1];

    left[0] <== 0;
    for (var i = 0; i < n; i++) {
        left[i + 1] <-- left[i] + 1 / (challenge - in[i]);
        (left[i + 1] - left[i]) * (challenge - in[i]) === 1;
    }
    right[0] <== 0;
    for (var j = 0; j < SIZE; j++) {
        right[j + 1] <-- right[j] + multiplicity[j] / (challenge - j);
        (right[j + 1] - right[j]) * (challenge - j) === multiplicity[j];
    }
    left[n] === right[SIZE];
}
