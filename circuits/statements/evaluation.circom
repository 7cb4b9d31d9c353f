pragma circom 2.1.6;

include "../gadgets/limbs.circom";
include "../gadgets/lookup.circom";
include "../gadgets/model.circom";
include "../gadgets/projection.circom";
include "../gadgets/statistics.circom";

/// @title   evaluation: a new head's loss on the committed evaluation set is lower than an old one's by at least delta
/// @notice  L(old) - L(new) >= delta >= 0 with L(W) = tr(W^T A W) - 2 s tr(W^T B) + s^2 rows = sum_i w_i |W^T x_i - s onehot(y_i)|^2, s = 2^exponent:
///          s^2 times the sum of squared errors, which is the unit of delta as well. Both heads have one scale and s^2 rows cancels, so with
///          D = W_old - W_new and S = W_old + W_new the drop is tr(D^T (A S - 2 s B)): one product with A serves both heads.
/// @param   d, k         features with the bias, 1 <= d <= 256 (assert of SidonPowers); classes, 2 <= k <= 16 (assert)
/// @param   statBits     width of an entry of A and B
/// @param   exponent     log2 s
/// @param   dropLimbs    limbs of delta and of the drop beyond it: 2^(12 dropLimbs) is above every drop (second assert), and twice that is below r / 2 (third)
/// @input   everything private is untrusted and committed; limbs have 12 bits
/// @output  all public signals are determined by the committed inputs
/// @soundness no `<--` but the two of RangeLookup. Heads in [-2^35, 2^35) and statistics in [0, 2^statBits) by limbs. product = A S entry by entry, because
///          sum_c block^c tau^T (A S - product)_c = 0 is a polynomial in the challenge whose coefficients are exactly the entries, all of them
///          affine or quadratic in committed inputs. Hence the drop is an integer with |drop| < d k 2^(statBits + 72) (d + 2^(exponent - 35)), exact modulo r.
///          delta and slack lie in [0, 2^(12 dropLimbs)), so drop = delta + slack holds over the integers: neither a negative delta nor a negative
///          slack has a witness. A is the Gram matrix of rows only if evaluationStatsCommit was accepted by `contribution`: the caller's to check.
/// @edge    equal heads: drop 0, so delta = 0; delta = drop: slack 0
/// @cost    about 6 lookups and 3 products a head entry, 2 to 4 lookups a statistic, d^2 products, 4,096 for the table;
///          7,831 non-linear at d = 16, k = 4 and 39,722 at d = 64, k = 10 (24-bit statistics)
/// @source  PROTOCOL, sections 2 and 4; docs/design.md, section 6.2
template LossDrop(d, k, statBits, exponent, dropLimbs) {
    assert(k >= 2 && k <= 16);
    assert(d * k * (1 << statBits) * (d * (1 << 72) + (1 << (exponent + 37))) < (1 << (12 * dropLimbs)));
    assert(12 * dropLimbs <= 251);
    var VALUE_LIMBS = 3;
    var STAT_LIMBS = limbCount(statBits, 12);
    var STAT_SHIFT = 12 * STAT_LIMBS - statBits;
    var ENTRIES = entryCount(d, k);
    var TRIANGLE = d * (d + 1) \ 2;
    var LOOKUPS = ENTRIES * (STAT_LIMBS + (STAT_SHIFT > 0 ? 1 : 0)) + 2 * d * k * VALUE_LIMBS + 2 * dropLimbs + 4;

    signal input oldModelCommit;
    signal input newModelCommit;
    signal input oldManifestDigest;
    signal input newManifestDigest;
    signal input evaluationStatsCommit;
    signal input delta;
    signal input challenge;

    signal input blind;
    signal input rowLimb[3];
    signal input statLimb[ENTRIES][STAT_LIMBS];
    signal input oldLimb[d][k][VALUE_LIMBS];
    signal input newLimb[d][k][VALUE_LIMBS];
    signal input product[d][k];
    signal input deltaLimb[dropLimbs];
    signal input slackLimb[dropLimbs];
    signal input multiplicity[4096];

    signal hidden <== blind * blind;

    component range = RangeLookup(LOOKUPS, 12);
    range.challenge <== challenge;
    range.multiplicity <== multiplicity;
    var looked = 0;

    // The statistics of the evaluation set. Rows have 32 bits, so that the header of the commitment opens to these d, k and statBits alone.
    var rows = 0;
    for (var s = 0; s < 3; s++) {
        rows += rowLimb[s] * (1 << (12 * s));
        range.in[looked] <== rowLimb[s];
        looked++;
    }
    range.in[looked] <== rowLimb[2] * (1 << 4);
    looked++;
    component opening = StatisticsCommit(d, k, statBits, 12);
    opening.limb <== statLimb;
    opening.rows <== rows;
    evaluationStatsCommit === opening.out;
    var statistic[ENTRIES];
    for (var e = 0; e < ENTRIES; e++) {
        statistic[e] = 0;
        for (var s = 0; s < STAT_LIMBS; s++) {
            statistic[e] += statLimb[e][s] * (1 << (12 * s));
            range.in[looked] <== statLimb[e][s];
            looked++;
        }
        if (STAT_SHIFT > 0) {
            range.in[looked] <== statLimb[e][STAT_LIMBS - 1] * (1 << STAT_SHIFT);
            looked++;
        }
    }

    // Both heads.
    component oldModel = ModelCommit(d, k, exponent);
    oldModel.limb <== oldLimb;
    oldModel.manifestDigest <== oldManifestDigest;
    oldModelCommit === oldModel.out;
    component newModel = ModelCommit(d, k, exponent);
    newModel.limb <== newLimb;
    newModel.manifestDigest <== newManifestDigest;
    newModelCommit === newModel.out;

    // tau^T A S gamma = tau^T product gamma, and the drop.
    component powers = SidonPowers(d);
    powers.challenge <== challenge;
    signal gamma[k];
    gamma[0] <== 1;
    for (var c = 1; c < k; c++) {
        gamma[c] <== gamma[c - 1] * powers.block;
    }
    component projected = SymmetricProduct(d);
    projected.tau <== powers.tau;
    for (var e = 0; e < TRIANGLE; e++) {
        projected.a[e] <== statistic[e];
    }
    signal weightedSum[d][k];
    signal weightedProduct[d][k];
    signal left[d];
    signal right[d];
    signal gain[d][k];
    var balance = 0;
    var drop = 0;
    for (var i = 0; i < d; i++) {
        var sums = 0;
        var products = 0;
        for (var c = 0; c < k; c++) {
            var before = 0;
            var after = 0;
            for (var s = 0; s < VALUE_LIMBS; s++) {
                before += oldLimb[i][c][s] * (1 << (12 * s));
                range.in[looked] <== oldLimb[i][c][s];
                looked++;
                after += newLimb[i][c][s] * (1 << (12 * s));
                range.in[looked] <== newLimb[i][c][s];
                looked++;
            }
            // Each head is its limbs less 2^35: the offsets add up in the sum and cancel in the difference.
            weightedSum[i][c] <== (before + after - (1 << 36)) * gamma[c];
            weightedProduct[i][c] <== product[i][c] * gamma[c];
            sums += weightedSum[i][c];
            products += weightedProduct[i][c];
            gain[i][c] <== (before - after) * (product[i][c] - (1 << (exponent + 1)) * statistic[TRIANGLE + k * i + c]);
            drop += gain[i][c];
        }
        left[i] <== projected.out[i] * sums;
        right[i] <== powers.tau[i] * products;
        balance += left[i] - right[i];
    }
    balance === 0;

    // drop = delta + slack, neither negative.
    var least = 0;
    var slack = 0;
    for (var s = 0; s < dropLimbs; s++) {
        least += deltaLimb[s] * (1 << (12 * s));
        range.in[looked] <== deltaLimb[s];
        looked++;
        slack += slackLimb[s] * (1 << (12 * s));
        range.in[looked] <== slackLimb[s];
        looked++;
    }
    assert(looked == LOOKUPS);
    delta === least;
    drop === delta + slack;
}
