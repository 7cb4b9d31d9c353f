pragma circom 2.1.6;

include "../gadgets/limbs.circom";
include "../gadgets/lookup.circom";
include "../gadgets/model.circom";
include "../gadgets/projection.circom";

/// @title   optimum: the committed head is the ridge optimum of the total
/// @notice  (A + lambda I) W = s B + R with |R| < 2^(residualBits - 1), (A, B) = total, totalAt = sum_e total_e challenge^(e+1),
///          lambda = ridge * rows, s = 2^exponent; modelCommit = H(tagModel, header, manifestDigest, packed W + 2^35)
/// @param   d, k              features with the bias, classes
/// @param   residualBits      width of R with its sign; its limbs hold 2^RESIDUAL_SHIFT R and fill whole limbs
/// @param   ridge, exponent   K_lambda, log2 s
/// @input   everything private is untrusted and committed; limbs have 12 bits
/// @input   total             field elements. Whoever verifies compares totalAt with the sum over `total` pages of the same challenge, which makes each
///                            entry the integer sum of range-checked entries: below 2^(48 + 16) for 2^16 contributions
/// @output  all public signals are determined by the committed inputs; totalAt is a link
/// @soundness no `<--` but the two of RangeLookup. W in [-2^35, 2^35) and R in [-2^(residualBits-1), 2^(residualBits-1)) by limbs (two-sided), so nothing wraps:
///          |A W| < 2^(64 + 35 + log2 d) < r / 4. The system holds entry by entry because sum_c block^c tau^T (...)_c = 0 is a polynomial in the
///          challenge whose coefficients are exactly the entries. What the bound leaves open: docs/slack.md.
/// @cost    an entry: 2 products and 1 for totalAt; a head entry: 3 products and 3 + residualBits / 12 lookups; see stats.csv
/// @source  docs/design.md, sections 3 and 4
template Optimum(d, k, residualBits, ridge, exponent) {
    var VALUE_LIMBS = 3;
    var RESIDUAL_LIMBS = limbCount(residualBits, 12);
    var RESIDUAL_SHIFT = 12 * RESIDUAL_LIMBS - residualBits;
    var ENTRIES = entryCount(d, k);
    var TRIANGLE = d * (d + 1) \ 2;
    var LOOKUPS = d * k * (VALUE_LIMBS + RESIDUAL_LIMBS);

    signal input modelCommit;
    signal input manifestDigest;
    signal input rows;
    signal input totalAt;
    signal input challenge;

    signal input blind;
    signal input total[ENTRIES];
    signal input valueLimb[d][k][VALUE_LIMBS];
    signal input residualLimb[d][k][RESIDUAL_LIMBS];
    signal input multiplicity[4096];

    signal hidden <== blind * blind;

    component range = RangeLookup(LOOKUPS, 12);
    range.challenge <== challenge;
    range.multiplicity <== multiplicity;
    var looked = 0;

    component whole = Evaluation(ENTRIES);
    whole.challenge <== challenge;
    whole.in <== total;
    totalAt === whole.out;

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
