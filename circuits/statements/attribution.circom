pragma circom 2.1.6;

include "../gadgets/division.circom";
include "../gadgets/limbs.circom";
include "../gadgets/lookup.circom";
include "../gadgets/projection.circom";

/// @title   attribution: the ridge path of the total for the queries
/// @notice  for each node j: (A + mu_j) W_j = s_j B + R_j and 2^8 (A + mu_j) V_j = t (A_Q W_j - s_j B_Q) + R'_j with
///          (A, B) = total, (A_Q, B_Q) = query, mu_j = nodeK_j rows, s_j = 2^nodeExponent_j, t = max(1, floor(2^8 rows / queryRows));
///          M = sym(sum_j nodeWeight_j V_j W_j^T), N = sum_j nodeWeight_j s_j V_j;
///          totalAt, queryAt, pathAt = the evaluations sum_e (.)_e challenge^(e+1) of (A, B), (A_Q, B_Q), (M, N)
/// @param   d, k, m                           features with the bias, classes, nodes
/// @param   residualBits, queryResidualBits   widths of R and R' with their signs; their limbs hold 2^RESIDUAL_SHIFT R and fill whole limbs
/// @param   nodeK, nodeExponent, nodeWeight   constants of the path
/// @input   everything private is untrusted and committed; limbs have 12 bits
/// @input   total, query   field elements. Whoever verifies compares totalAt and queryAt with the sums over pages of the same challenge, which makes each entry the integer
///                         sum of range-checked entries: below 2^(48 + 16) for 2^16 pieces
/// @output  all public signals are determined by the committed inputs; totalAt, queryAt and pathAt are links
/// @soundness no `<--` but the two of RangeLookup. W_j, V_j in [-2^35, 2^35), R and R' two-sided, so the systems are integer identities: |2^8 A V| < 2^(8 + 64 + 35 + log2 d),
///          |t A_Q W| < 2^(48 + 64 + 35 + log2 d), both far below r. Both systems of all nodes are one polynomial identity each, gamma_(j,c) = block^(k j + c), with the
///          entries as coefficients. M is committed as field elements and equals sum_j weight_j V_j W_j^T (upper triangle, off-diagonal pairs added) because the quadratic
///          form at tau determines it; N is a sum of limbs.
///          What the residual bounds leave open: docs/slack.md.
/// @edge    no query: queryRows = 0 has no witness; queryRows > 2^8 rows: t = 1
/// @cost    7 d k m products, 13 lookups a pair of head entries and node, 8 an entry; see stats.csv
/// @source  docs/design.md, sections 3 and 4
template Attribution(d, k, m, residualBits, queryResidualBits, nodeK, nodeExponent, nodeWeight) {
    var VALUE_LIMBS = 3;
    var RESIDUAL_LIMBS = limbCount(residualBits, 12);
    var RESIDUAL_SHIFT = 12 * RESIDUAL_LIMBS - residualBits;
    var QUERY_RESIDUAL_LIMBS = limbCount(queryResidualBits, 12);
    var QUERY_RESIDUAL_SHIFT = 12 * QUERY_RESIDUAL_LIMBS - queryResidualBits;
    var SCALE_LIMBS = 4;
    var ENTRIES = entryCount(d, k);
    var TRIANGLE = d * (d + 1) \ 2;
    var LOOKUPS = m * d * k * (2 * VALUE_LIMBS + RESIDUAL_LIMBS + QUERY_RESIDUAL_LIMBS) + 4 * SCALE_LIMBS;

    signal input rows;
    signal input queryRows;
    signal input totalAt;
    signal input queryAt;
    signal input pathAt;
    signal input challenge;

    signal input blind;
    signal input total[ENTRIES];
    signal input query[ENTRIES];
    signal input scaleLimb[4][SCALE_LIMBS]; // quotient, remainder, divisor - 1 - remainder, t - 1
    signal input scaleZero;
    signal input valueLimb[m][d][k][VALUE_LIMBS];
    signal input residualLimb[m][d][k][RESIDUAL_LIMBS];
    signal input influenceLimb[m][d][k][VALUE_LIMBS];
    signal input influenceResidualLimb[m][d][k][QUERY_RESIDUAL_LIMBS];
    signal input product[TRIANGLE];
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

    component asked = Evaluation(ENTRIES);
    asked.challenge <== challenge;
    asked.in <== query;
    queryAt === asked.out;

    // t = max(1, floor(2^8 rows / queryRows))
    var scale[4];
    for (var i = 0; i < 4; i++) {
        scale[i] = 0;
        for (var s = 0; s < SCALE_LIMBS; s++) {
            scale[i] += scaleLimb[i][s] * (1 << (12 * s));
            range.in[looked] <== scaleLimb[i][s];
            looked++;
        }
    }
    component ratio = FloorDivision();
    ratio.numerator <== 256 * rows;
    ratio.divisor <== queryRows;
    ratio.quotient <== scale[0];
    ratio.remainder <== scale[1];
    ratio.gap === scale[2];
    scaleZero * ratio.quotient === 0;
    signal t <== ratio.quotient + scaleZero;
    t - 1 === scale[3];
    scaleZero * (scaleZero - 1) === 0;

    // Projections.
    component powers = SidonPowers(d);
    powers.challenge <== challenge;
    signal gamma[m][k];
    for (var j = 0; j < m; j++) {
        for (var c = 0; c < k; c++) {
            if (c > 0) {
                gamma[j][c] <== gamma[j][c - 1] * powers.block;
            } else if (j > 0) {
                gamma[j][c] <== gamma[j - 1][k - 1] * powers.block;
            } else {
                gamma[j][c] <== 1;
            }
        }
    }

    component projected = SymmetricProduct(d);
    component queryProjected = SymmetricProduct(d);
    projected.tau <== powers.tau;
    queryProjected.tau <== powers.tau;
    for (var e = 0; e < TRIANGLE; e++) {
        projected.a[e] <== total[e];
        queryProjected.a[e] <== query[e];
    }

    // Both systems of all nodes, weighted by gamma, feature by feature.
    signal weightedValue[m][d][k];
    signal weightedResidual[m][d][k];
    signal weightedInfluence[m][d][k];
    signal weightedInfluenceResidual[m][d][k];
    signal tauValue[m][d][k];
    signal tauInfluence[m][d][k];
    signal weightedTarget[d][k];
    signal weightedQueryTarget[d][k];
    signal step[d][6];
    signal scaled[d];
    signal queryTarget[d];
    signal n[d * k];
    signal ridged[d];
    var balance = 0;
    var influenceBalance = 0;
    var gradient = 0;
    var along[m][k];
    var across[m][k];
    for (var j = 0; j < m; j++) {
        for (var c = 0; c < k; c++) {
            along[j][c] = 0;
            across[j][c] = 0;
        }
    }
    for (var i = 0; i < d; i++) {
        var values = 0;
        var valuesK = 0;
        var residuals = 0;
        var influences = 0;
        var influencesK = 0;
        var influenceResiduals = 0;
        for (var c = 0; c < k; c++) {
            var linear = 0;
            var gammaScale = 0;
            for (var j = 0; j < m; j++) {
                var value = -(1 << 35);
                var influence = -(1 << 35);
                for (var s = 0; s < VALUE_LIMBS; s++) {
                    value += valueLimb[j][i][c][s] * (1 << (12 * s));
                    range.in[looked] <== valueLimb[j][i][c][s];
                    looked++;
                    influence += influenceLimb[j][i][c][s] * (1 << (12 * s));
                    range.in[looked] <== influenceLimb[j][i][c][s];
                    looked++;
                }
                var residual = -(1 << (12 * RESIDUAL_LIMBS - 1));
                for (var s = 0; s < RESIDUAL_LIMBS; s++) {
                    residual += residualLimb[j][i][c][s] * (1 << (12 * s));
                    range.in[looked] <== residualLimb[j][i][c][s];
                    looked++;
                }
                var influenceResidual = -(1 << (12 * QUERY_RESIDUAL_LIMBS - 1));
                for (var s = 0; s < QUERY_RESIDUAL_LIMBS; s++) {
                    influenceResidual += influenceResidualLimb[j][i][c][s] * (1 << (12 * s));
                    range.in[looked] <== influenceResidualLimb[j][i][c][s];
                    looked++;
                }
                weightedValue[j][i][c] <== value * gamma[j][c];
                weightedResidual[j][i][c] <== residual * gamma[j][c];
                weightedInfluence[j][i][c] <== influence * gamma[j][c];
                weightedInfluenceResidual[j][i][c] <== influenceResidual * gamma[j][c];
                tauValue[j][i][c] <== value * powers.tau[i];
                tauInfluence[j][i][c] <== influence * powers.tau[i];
                values += weightedValue[j][i][c];
                valuesK += nodeK[j] * weightedValue[j][i][c];
                residuals += weightedResidual[j][i][c];
                influences += weightedInfluence[j][i][c];
                influencesK += nodeK[j] * weightedInfluence[j][i][c];
                influenceResiduals += weightedInfluenceResidual[j][i][c];
                along[j][c] += tauValue[j][i][c];
                across[j][c] += tauInfluence[j][i][c];
                linear += nodeWeight[j] * (1 << nodeExponent[j]) * influence;
                gammaScale += (1 << nodeExponent[j]) * gamma[j][c];
            }
            n[k * i + c] <== linear;
            weightedTarget[i][c] <== total[TRIANGLE + k * i + c] * gammaScale;
            weightedQueryTarget[i][c] <== query[TRIANGLE + k * i + c] * gammaScale;
        }
        var targets = 0;
        var queryTargets = 0;
        for (var c = 0; c < k; c++) {
            targets += weightedTarget[i][c];
            queryTargets += weightedQueryTarget[i][c];
        }
        queryTarget[i] <== powers.tau[i] * queryTargets;
        ridged[i] <== rows * powers.tau[i];
        step[i][0] <== projected.out[i] * values;
        step[i][1] <== ridged[i] * valuesK;
        step[i][2] <== powers.tau[i] * ((1 << RESIDUAL_SHIFT) * targets + residuals);
        balance += (1 << RESIDUAL_SHIFT) * (step[i][0] + step[i][1]) - step[i][2];

        step[i][3] <== projected.out[i] * influences;
        step[i][4] <== ridged[i] * influencesK;
        step[i][5] <== powers.tau[i] * influenceResiduals;
        scaled[i] <== queryProjected.out[i] * values;
        gradient += scaled[i] - queryTarget[i];
        influenceBalance += (1 << QUERY_RESIDUAL_SHIFT) * 256 * (step[i][3] + step[i][4]) - step[i][5];
    }
    assert(looked == LOOKUPS);
    balance === 0;

    influenceBalance === (1 << QUERY_RESIDUAL_SHIFT) * t * gradient;

    // M, by its quadratic form at tau.
    signal outer[m][k];
    var form = 0;
    for (var j = 0; j < m; j++) {
        for (var c = 0; c < k; c++) {
            outer[j][c] <== along[j][c] * across[j][c];
            form += nodeWeight[j] * outer[j][c];
        }
    }
    signal cell[TRIANGLE];
    signal line[d];
    var committed = 0;
    var entry = 0;
    for (var i = 0; i < d; i++) {
        var sum = 0;
        for (var l = i; l < d; l++) {
            cell[entry] <== product[entry] * powers.tau[l];
            sum += cell[entry];
            entry++;
        }
        line[i] <== sum * powers.tau[i];
        committed += line[i];
    }
    form === committed;

    component path = Evaluation(ENTRIES);
    path.challenge <== challenge;
    for (var e = 0; e < TRIANGLE; e++) {
        path.in[e] <== product[e];
    }
    for (var e = TRIANGLE; e < ENTRIES; e++) {
        path.in[e] <== n[e - TRIANGLE];
    }
    pathAt === path.out;
}
