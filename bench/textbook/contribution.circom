pragma circom 2.1.6;

include "sponge.circom";
include "statistics.circom";
include "gadgets/limbs.circom";
include "gadgets/tags.circom";

/// @title   contribution, the textbook version: bits for every byte, a product for every entry of every row
/// @notice  the statement of circuits/statements/contribution.circom with the same public signals
/// @param   n, d, k, weightBits, statBits   as there
/// @input   salt, x, onehot, weight         untrusted; label_i = sum_c c onehot_ic
/// @output  all public signals are determined by the private inputs
/// @soundness no `<--` but those of Num2Bits. The statistics are sums of products, so they need no range check: n (2^weightBits - 1) 255^2 < 2^statBits (assert)
/// @cost    a row: 8 (d - 1) bits, (d - 1) d / 2 + (d - 1) (k + 1) products, 2 k + 1 for label and weight, and 40 for each 31 bytes hashed
/// @source  circomlib's Num2Bits and Poseidon; docs/design.md, section 3
template Contribution(n, d, k, weightBits, statBits) {
    assert(n * ((1 << weightBits) - 1) * 65025 < (1 << statBits));
    var ENTRIES = entryCount(d, k);
    var ROW_BYTES = d + 1;

    signal input rowsCommit;
    signal input statsCommit;
    signal input rows;

    signal input salt;
    signal input x[n][d - 1];
    signal input onehot[n][k];
    signal input weight[n];

    component feature[n][d - 1];
    component fee[n];
    var label[n];
    var weightSum = 0;
    for (var i = 0; i < n; i++) {
        for (var j = 0; j < d - 1; j++) {
            feature[i][j] = Num2Bits(8);
            feature[i][j].in <== x[i][j];
        }
        fee[i] = Num2Bits(weightBits);
        fee[i].in <== weight[i];
        weightSum += weight[i];
        label[i] = 0;
        var classes = 0;
        for (var c = 0; c < k; c++) {
            onehot[i][c] * (onehot[i][c] - 1) === 0;
            classes += onehot[i][c];
            label[i] += c * onehot[i][c];
        }
        classes === 1;
    }
    rows === weightSum;

    // The statistics; the bias is the constant 255, so its products are sums.
    signal weighted[n][d - 1];
    signal square[n][(d - 1) * d \ 2];
    signal target[n][d - 1][k];
    signal biasTarget[n][k];
    var entry[ENTRIES];
    for (var e = 0; e < ENTRIES; e++) {
        entry[e] = 0;
    }
    for (var i = 0; i < n; i++) {
        var e = 0;
        var s = 0;
        var b = d * (d + 1) \ 2;
        for (var j = 0; j < d - 1; j++) {
            weighted[i][j] <== weight[i] * x[i][j];
            for (var l = j; l < d - 1; l++) {
                square[i][s] <== weighted[i][j] * x[i][l];
                entry[e] += square[i][s];
                s++;
                e++;
            }
            entry[e] += 255 * weighted[i][j];
            e++;
            for (var c = 0; c < k; c++) {
                target[i][j][c] <== weighted[i][j] * onehot[i][c];
                entry[b] += target[i][j][c];
                b++;
            }
        }
        entry[e] += 65025 * weight[i];
        for (var c = 0; c < k; c++) {
            biasTarget[i][c] <== weight[i] * onehot[i][c];
            entry[b] += 255 * biasTarget[i][c];
            b++;
        }
    }

    var ROW_ELEMENTS = packedCount(n * ROW_BYTES, 8);
    component rowsHash = Sponge(tagRows(), 2 + ROW_ELEMENTS);
    rowsHash.in[0] <== n + (1 << 32) * d + (1 << 48) * k + (1 << 64) * weightBits;
    rowsHash.in[1] <== salt;
    for (var element = 0; element < ROW_ELEMENTS; element++) {
        var packed = 0;
        for (var place = 0; place < 31; place++) {
            var position = 31 * element + place;
            if (position < n * ROW_BYTES) {
                var i = position \ ROW_BYTES;
                var j = position % ROW_BYTES;
                if (j < d - 1) {
                    packed += x[i][j] * (1 << (8 * place));
                } else if (j == d - 1) {
                    packed += label[i] * (1 << (8 * place));
                } else {
                    packed += weight[i] * (1 << (8 * place));
                }
            }
        }
        rowsHash.in[2 + element] <== packed;
    }
    rowsCommit === rowsHash.out;

    component statsHash = StatisticsCommit(d, k, statBits);
    for (var e = 0; e < ENTRIES; e++) {
        statsHash.entry[e] <== entry[e];
    }
    statsHash.rows <== rows;
    statsCommit === statsHash.out;
}
