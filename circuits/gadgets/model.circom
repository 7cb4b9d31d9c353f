pragma circom 2.1.6;

include "limbs.circom";
include "sponge.circom";
include "tags.circom";

/// @title   The commitment of a head
/// @notice  out = H(tagModel, d + 2^16 k + 2^32 exponent + 2^48 36, manifestDigest, packed W + 2^35)
/// @param   d, k, exponent   features with the bias, classes, log2 of the head's scale: each below 2^16
/// @input   limb             limbs of W + 2^35, feature by feature, least significant first. ASSUMED in [0, 2^12): constrained by the caller's lookup,
///                           so that each packed element has one opening
/// @input   manifestDigest   untrusted field element
/// @output  out              unique
/// @soundness no `<--`
/// @cost    609 for each 15 elements of 7 values
/// @source  PROTOCOL, section 3; `commitModel` in statements/optimum.ts
template ModelCommit(d, k, exponent) {
    var PER = packedPer(36);
    var ELEMENTS = packedCount(d * k, 36);

    signal input limb[d][k][3];
    signal input manifestDigest;
    signal output out;

    component hash = Sponge(tagModel(), 2 + ELEMENTS);
    hash.in[0] <== d + (1 << 16) * k + (1 << 32) * exponent + (1 << 48) * 36;
    hash.in[1] <== manifestDigest;
    for (var element = 0; element < ELEMENTS; element++) {
        var packed = 0;
        for (var place = 0; place < PER; place++) {
            var position = PER * element + place;
            if (position < d * k) {
                for (var s = 0; s < 3; s++) {
                    packed += limb[position \ k][position % k][s] * (1 << (36 * place + 12 * s));
                }
            }
        }
        hash.in[2 + element] <== packed;
    }
    out <== hash.out;
}
