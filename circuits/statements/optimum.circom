pragma circom 2.1.6;

include "../gadgets/limbs.circom";
include "../gadgets/lookup.circom";
include "../gadgets/model.circom";
include "../gadgets/projection.circom";
include "../gadgets/statistics.circom";

/// @title   optimum: the committed head is the ridge optimum of the listed contributions
/// @notice  (A + lambda I) W = s B + R with |R| < 2^(residualBits - 1), A = sum of the listed A_c, B likewise, rows = sum of rows_c,
///          lambda = ridge * rows, s = 2^exponent; modelCommit = H(tagModel, header, manifestDigest, packed W + 2^35)
/// @param   C, d, k, statBits          places of the list, features with the bias, classes, width of an entry
/// @param   residualBits               width of R with its sign; its limbs hold 2^RESIDUAL_SHIFT R and fill whole limbs
/// @param   ridge, exponent, empty     K_lambda, log2 s, commitment of empty statistics
/// @input   everything private is untrusted and committed; limbs have 12 bits
/// @output  all public signals are determined by the committed inputs
/// @soundness no `<--` but the two of RangeLookup. W in [-2^35, 2^35) and R in [-2^(residualBits-1), 2^(residualBits-1)) by limbs (two-sided), so nothing wraps:
///          |A W| < 2^(statBits + log2(C d) + 35) < r / 4. The system holds entry by entry because sum_c block^c tau^T (...)_c = 0 is a polynomial in the
///          challenge whose coefficients are exactly the entries. What the bound leaves open: docs/slack.md.
/// @cost    about 2 lookups and 1/10 sponge element an entry and contribution; see stats.csv
/// @source  docs/design.md, sections 3 and 4
template Optimum(C, d, k, statBits, residualBits, ridge, exponent, empty) {
    var VALUE_LIMBS = 3;
    var STAT_LIMBS = limbCount(statBits, 12);
    var STAT_SHIFT = 12 * STAT_LIMBS - statBits;
    var RESIDUAL_LIMBS = limbCount(residualBits, 12);
    var RESIDUAL_SHIFT = 12 * RESIDUAL_LIMBS - residualBits;
    var ENTRIES = entryCount(d, k);
    var TRIANGLE = d * (d + 1) \ 2;
    var LOOKUPS = C * ENTRIES * (STAT_LIMBS + (STAT_SHIFT > 0 ? 1 : 0)) + d * k * (VALUE_LIMBS + RESIDUAL_LIMBS);

    signal input modelCommit;
    signal input manifestDigest;
    signal input rows;
    signal input evaluation;
    signal input challenge;

    signal input blind;
    signal input rowCount[C];
    signal input active[C];
    signal input statLimb[C][ENTRIES][STAT_LIMBS];
    signal input valueLimb[d][k][VALUE_LIMBS];
    signal input residualLimb[d][k][RESIDUAL_LIMBS];
    signal input multiplicity[4096];

    signal hidden <== blind * blind;

    component range = RangeLookup(LOOKUPS, 12);
    range.challenge <== challenge;
    range.multiplicity <== multiplicity;
    var looked = 0;

    // The listed statistics and their sum.
    component opening[C];
    component list = ContributionList(C, empty);
    list.challenge <== challenge;
    list.active <== active;
    var rowSum = 0;
    for (var c = 0; c < C; c++) {
        opening[c] = StatisticsCommit(d, k, statBits, 12);
        opening[c].limb <== statLimb[c];
        opening[c].rows <== rowCount[c];
        list.commit[c] <== opening[c].out;
        rowSum += rowCount[c];
        for (var e = 0; e < ENTRIES; e++) {
            for (var s = 0; s < STAT_LIMBS; s++) {
                range.in[looked] <== statLimb[c][e][s];
                looked++;
            }
            if (STAT_SHIFT > 0) {
                range.in[looked] <== statLimb[c][e][STAT_LIMBS - 1] * (1 << STAT_SHIFT);
                looked++;
            }
        }
    }
    rows === rowSum;
    evaluation === list.evaluation;

    signal total[ENTRIES];
    for (var e = 0; e < ENTRIES; e++) {
        var sum = 0;
        for (var c = 0; c < C; c++) {
            for (var s = 0; s < STAT_LIMBS; s++) {
                sum += statLimb[c][e][s] * (1 << (12 * s));
            }
        }
        total[e] <== sum;
    }

    // The system under both projections.
    component powers = SidonPowers(d);
    powers.challenge <== challenge;
    signal gamma[k];
    for (var c = 0; c < k; c++) {
        if (c == 0) {
            gamma[c] <== 1;
        } else {
            gamma[c] <== gamma[c - 1] * powers.block;
        }
    }

    component projected = SymmetricProduct(d);
    projected.tau <== powers.tau;
    for (var e = 0; e < TRIANGLE; e++) {
        projected.a[e] <== total[e];
    }

    signal weightedValue[d][k];
    signal weightedResidual[d][k];
    signal weightedTarget[d][k];
    signal left[d];
    signal ridged[d];
    signal right[d];
    var balance = 0;
    for (var i = 0; i < d; i++) {
        var valueSum = 0;
        var targetSum = 0;
        for (var c = 0; c < k; c++) {
            var value = -(1 << 35);
            for (var s = 0; s < VALUE_LIMBS; s++) {
                value += valueLimb[i][c][s] * (1 << (12 * s));
                range.in[looked] <== valueLimb[i][c][s];
                looked++;
            }
            var residual = -(1 << (12 * RESIDUAL_LIMBS - 1));
            for (var s = 0; s < RESIDUAL_LIMBS; s++) {
                residual += residualLimb[i][c][s] * (1 << (12 * s));
                range.in[looked] <== residualLimb[i][c][s];
                looked++;
            }
            weightedValue[i][c] <== value * gamma[c];
            weightedResidual[i][c] <== residual * gamma[c];
            weightedTarget[i][c] <== total[TRIANGLE + k * i + c] * gamma[c];
            valueSum += weightedValue[i][c];
            targetSum += weightedTarget[i][c];
        }
        left[i] <== projected.out[i] * valueSum;
        ridged[i] <== rows * powers.tau[i];
        right[i] <== (ridge * valueSum) * ridged[i];
        balance += (1 << RESIDUAL_SHIFT) * (left[i] + right[i]);
    }
    signal target[d];
    for (var i = 0; i < d; i++) {
        var sum = 0;
        for (var c = 0; c < k; c++) {
            sum += (1 << (exponent + RESIDUAL_SHIFT)) * weightedTarget[i][c] + weightedResidual[i][c];
        }
        target[i] <== sum * powers.tau[i];
        balance -= target[i];
    }
    balance === 0;
    assert(looked == LOOKUPS);

    component model = ModelCommit(d, k, exponent);
    model.limb <== valueLimb;
    model.manifestDigest <== manifestDigest;
    modelCommit === model.out;
}
