pragma circom 2.1.6;

/// @title   A strictly increasing list, by the gaps between its neighbours
/// @notice  key_0 = gap_0, key_i = key_{i-1} + 1 + gap_i, gap_i = sum_s limb_is 256^s >= 0
/// @param   n, limbs    length of the list; bytes of a gap: n 256^limbs < 2^250 (assert), so that no sum wraps
/// @input   limb        bytes of the gaps, least significant first. ASSUMED committed and in [0, 256): the CALLER MUST look them up, without that a gap
///                      may be negative and the list in any order
/// @output  key         0 <= key_0 < key_1 < ... < n 256^limbs as integers; unique, and no two of them are equal.
///                      Any such list with gaps below 256^limbs has exactly one witness
/// @soundness no `<--`
/// @edge    neighbours: gap 0; equal keys would be a gap of -1, which has no limbs
/// @cost    n linear; the caller's lookups: n limbs
/// @source  the known flaw is a list that may repeat an element (a difference checked by >= only): test/gadgets/ordering.test.ts keeps it
template StrictlyIncreasing(n, limbs) {
    assert(n >= 1 && limbs >= 1);
    assert(8 * limbs <= 200 && n < (1 << 50));

    signal input limb[n][limbs];
    signal output key[n];

    for (var i = 0; i < n; i++) {
        var sum = i == 0 ? 0 : key[i - 1] + 1;
        for (var s = 0; s < limbs; s++) {
            sum += limb[i][s] * (1 << (8 * s));
        }
        key[i] <== sum;
    }
}
