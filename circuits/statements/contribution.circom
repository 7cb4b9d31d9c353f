pragma circom 2.1.6;

include "../gadgets/limbs.circom";
include "../gadgets/lookup.circom";
include "../gadgets/projection.circom";
include "../gadgets/sponge.circom";
include "../gadgets/statistics.circom";
include "../gadgets/tags.circom";

/// @title   contribution: committed rows are well formed and have the committed statistics
/// @notice  A = sum_i w_i x_i x_i^T, B = sum_i w_i x_i onehot(y_i)^T, rows = sum_i w_i, with x_i[d-1] = 255;
///          rowsCommit = H(tagRows, header, salt, packed rows), statsCommit = H(tagStats, header, packed A and B)
/// @param   n, d, k       rows that fit, features with the bias, classes: 2 <= k <= 16
/// @param   weightBits    1 (contributors: weight 0 marks an empty place) or 8 (fees of queries)
/// @param   statBits      width of an entry of A and B, a multiple of 8 with n (2^weightBits - 1) 255^2 < 2^statBits (asserts)
/// @input   x, label, labelBit, weight, salt, statLimb, multiplicity   untrusted, all committed
/// @input   blind         hides the commitment; in no relation but its own square
/// @output  all public signals are determined by the committed inputs
/// @soundness no `<--` but the two of RangeLookup. Bytes: lookup in [0, 256). Labels: binary, and label + 256 - k is a byte, so label < k.
///          Statistics: with u_i = <x_i, tau>, sum_i w_i u_i (u_i + sigma_{y_i}) = tau^T A tau + tau^T B sigma; all monomials of the right side are
///          distinct powers of the challenge, and rows and statistics are committed before it, so A and B are equal entry by entry.
///          Limbs are bytes, hence each packed element has one opening.
/// @edge    weight 0: the row is committed but counts nowhere; no row at all: all statistics 0
/// @cost    per row: d - 1 lookups, d - 1 products, about 12 for label and weight, and 40 for each 31 bytes hashed; see stats.csv
/// @source  docs/design.md, sections 1 to 3
template Contribution(n, d, k, weightBits, statBits) {
    assert(k >= 2 && k <= 16);
    assert(weightBits == 1 || weightBits == 8);
    assert(statBits % 8 == 0);
    assert(n * ((1 << weightBits) - 1) * 65025 < (1 << statBits));
    var LABEL_BITS = k <= 4 ? 2 : (k <= 8 ? 3 : 4); // with one bit the label would be the bit itself, one wire for two inputs
    var ENTRIES = entryCount(d, k);
    var LIMBS = statBits \ 8;
    var ROW_BYTES = d + 1;

    signal input rowsCommit;
    signal input statsCommit;
    signal input rows;
    signal input challenge;

    signal input blind;
    signal input salt;
    signal input x[n][d - 1];
    signal input label[n];
    signal input labelBit[n][LABEL_BITS];
    signal input weight[n];
    signal input statLimb[ENTRIES][LIMBS];
    signal input multiplicity[256];

    signal hidden <== blind * blind;

    // Range checks.
    component range = RangeLookup(n * d + (weightBits == 8 ? n : 0) + ENTRIES * LIMBS, 8);
    range.challenge <== challenge;
    range.multiplicity <== multiplicity;
    var looked = 0;
    for (var i = 0; i < n; i++) {
        for (var j = 0; j < d - 1; j++) {
            range.in[looked] <== x[i][j];
            looked++;
        }
        range.in[looked] <== label[i] + 256 - k;
        looked++;
        if (weightBits == 8) {
            range.in[looked] <== weight[i];
            looked++;
        } else {
            weight[i] * (weight[i] - 1) === 0;
        }
    }
    for (var e = 0; e < ENTRIES; e++) {
        for (var l = 0; l < LIMBS; l++) {
            range.in[looked] <== statLimb[e][l];
            looked++;
        }
    }
    assert(looked == n * d + (weightBits == 8 ? n : 0) + ENTRIES * LIMBS);

    // Projection vectors: tau for features, sigma_c = block^(c+1) for classes.
    component powers = SidonPowers(d);
    powers.challenge <== challenge;
    signal classPower[LABEL_BITS];
    for (var b = 0; b < LABEL_BITS; b++) {
        if (b == 0) {
            classPower[b] <== powers.block;
        } else {
            classPower[b] <== classPower[b - 1] * classPower[b - 1];
        }
    }
    signal sigma[k];
    for (var c = 0; c < k; c++) {
        if (c == 0) {
            sigma[c] <== powers.block;
        } else {
            sigma[c] <== sigma[c - 1] * powers.block;
        }
    }

    // The rows' side.
    signal product[n][d - 1];
    signal bitFactor[n][LABEL_BITS];
    signal classOf[n][LABEL_BITS + 1];
    signal energy[n];
    signal weighted[n];
    var rowSide = 0;
    var weightSum = 0;
    for (var i = 0; i < n; i++) {
        var u = 255 * powers.tau[d - 1];
        for (var j = 0; j < d - 1; j++) {
            product[i][j] <== x[i][j] * powers.tau[j];
            u += product[i][j];
        }
        var composed = 0;
        classOf[i][0] <== powers.block;
        for (var b = 0; b < LABEL_BITS; b++) {
            labelBit[i][b] * (labelBit[i][b] - 1) === 0;
            composed += labelBit[i][b] * (1 << b);
            bitFactor[i][b] <== labelBit[i][b] * (classPower[b] - 1);
            classOf[i][b + 1] <== classOf[i][b] * (1 + bitFactor[i][b]);
        }
        label[i] === composed;
        energy[i] <== u * (u + classOf[i][LABEL_BITS]);
        weighted[i] <== weight[i] * energy[i];
        rowSide += weighted[i];
        weightSum += weight[i];
    }
    rows === weightSum;

    // The statistics' side.
    signal entryProduct[ENTRIES];
    signal line[d];
    var statSide = 0;
    var e = 0;
    var b = d * (d + 1) \ 2;
    for (var i = 0; i < d; i++) {
        var sum = 0;
        for (var l = i; l < d; l++) {
            var value = 0;
            for (var s = 0; s < LIMBS; s++) {
                value += statLimb[e][s] * (1 << (8 * s));
            }
            entryProduct[e] <== value * powers.tau[l];
            sum += (l == i ? 1 : 2) * entryProduct[e];
            e++;
        }
        for (var c = 0; c < k; c++) {
            var value = 0;
            for (var s = 0; s < LIMBS; s++) {
                value += statLimb[b][s] * (1 << (8 * s));
            }
            entryProduct[b] <== value * sigma[c];
            sum += entryProduct[b];
            b++;
        }
        line[i] <== sum * powers.tau[i];
        statSide += line[i];
    }
    rowSide === statSide;

    // Commitments.
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

    component statsHash = StatisticsCommit(d, k, statBits, 8);
    statsHash.limb <== statLimb;
    statsHash.rows <== rows;
    statsCommit === statsHash.out;
}
