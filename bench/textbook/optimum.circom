pragma circom 2.1.6;

include "sponge.circom";
include "gadgets/limbs.circom";
include "gadgets/tags.circom";

/// @title   optimum, the textbook version: the product A W entry by entry
/// @notice  the statement of circuits/statements/optimum.circom with totalCommit = ListCommit(total) in place of totalAt
/// @param   d, k, residualBits, ridge, exponent   as there
/// @input   total, value   untrusted; total is made what it is by totalCommit
/// @output  all public signals are determined by the private inputs
/// @soundness no `<--` but those of Num2Bits. The residual is a sum of products and needs no wire; both of its bounds are one decomposition
/// @cost    d^2 k products, 36 + residualBits bits a head entry, about 41 an entry of the total
/// @source  docs/design.md, sections 3 and 4
template Optimum(d, k, residualBits, ridge, exponent) {
    var ENTRIES = entryCount(d, k);
    var TRIANGLE = d * (d + 1) \ 2;
    var PER = packedPer(36);
    var ELEMENTS = packedCount(d * k, 36);

    signal input modelCommit;
    signal input manifestDigest;
    signal input rows;
    signal input totalCommit;

    signal input total[ENTRIES];
    signal input value[d][k];

    component whole = ListCommit(ENTRIES);
    whole.in <== total;
    totalCommit === whole.out;

    component valueRange[d][k];
    component residualRange[d][k];
    signal product[d][k][d];
    for (var i = 0; i < d; i++) {
        for (var c = 0; c < k; c++) {
            valueRange[i][c] = SignedRange(36);
            valueRange[i][c].in <== value[i][c];
            var residual = -(1 << exponent) * total[TRIANGLE + k * i + c];
            for (var l = 0; l < d; l++) {
                var low = i < l ? i : l;
                var high = i < l ? l : i;
                // lambda stands in the diagonal and costs no product of its own.
                product[i][c][l] <== (total[low * d - low * (low - 1) \ 2 + high - low] + (i == l ? ridge * rows : 0)) * value[l][c];
                residual += product[i][c][l];
            }
            residualRange[i][c] = SignedRange(residualBits);
            residualRange[i][c].in <== residual;
        }
    }

    component model = Sponge(tagModel(), 2 + ELEMENTS);
    model.in[0] <== d + (1 << 16) * k + (1 << 32) * exponent + (1 << 48) * 36;
    model.in[1] <== manifestDigest;
    for (var element = 0; element < ELEMENTS; element++) {
        var packed = 0;
        for (var place = 0; place < PER; place++) {
            var position = PER * element + place;
            if (position < d * k) {
                packed += (value[position \ k][position % k] + (1 << 35)) * (1 << (36 * place));
            }
        }
        model.in[2 + element] <== packed;
    }
    modelCommit === model.out;
}
